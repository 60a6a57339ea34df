import { contains, familyOf } from '../address.ts'
import type { Cluster } from '../cluster.ts'
import { describeFlow, describePeers, describePorts, describeSide } from './describe.ts'
import type { Flow } from '../flow.ts'
import { keyOf } from '../model.ts'
import type { Direction, NetworkPolicy, Peer, Pod, PortMatch, Rule } from '../model.ts'
import { matches } from '../selector.ts'
import type { Ends, Side } from './sides.ts'
import type { RulePart, RuleRef } from '../verdict.ts'

/** What a rule is read against. */
export interface Question {
  readonly cluster: Cluster
  readonly flow: Flow
  readonly ends: Ends
  readonly direction: Direction
  readonly policy: NetworkPolicy
}

/** How one rule fares. `path` is the peer that matches, else the first list or item that does not. */
export interface Assessment extends RuleRef {
  /** None: the rule allows the flow. */
  readonly fails: readonly RulePart[]
  /** The peer fails only because an address is not known. */
  readonly unsure: boolean
  /** What the rule names and what the flow has instead. */
  readonly explain: () => string
}

/** Reads one rule, the one at `index` of the policy's list for this direction. */
export function assessRule(question: Question, rule: Rule, index: number): Assessment {
  const { direction, ends, flow, policy } = question
  const path = `spec.${direction}[${index}]`
  const other = direction === 'ingress' ? ends.from : ends.to
  const peers = assessPeers(question, rule.peers, other)
  const ports = assessPorts(rule.ports, flow, ends.to.pod)
  const fails: readonly RulePart[] = peers.match === 'yes' ? ports.fails : ['peer', ...ports.fails]
  const list = direction === 'ingress' ? 'from' : 'to'
  const peerPath = rule.peers === 'everyone' ? path : `${path}.${list}${peers.item}`
  const portPath = `${path}.ports${ports.item}`
  return {
    policy: keyOf(policy),
    path: peers.match === 'yes' && fails.length > 0 ? portPath : peerPath,
    fails,
    unsure: peers.match === 'unsure',
    explain: () => explain(question, rule, { fails, unsure: peers.match === 'unsure', other }),
  }
}

type Match = 'yes' | 'no' | 'unsure'

/** `item` is the index that decides, as in `[1]`, or '' for the whole list. */
interface PeersAssessment {
  readonly match: Match
  readonly item: string
}

/** Absent or empty means everyone; else one peer suffices. */
function assessPeers(question: Question, peers: Rule['peers'], side: Side): PeersAssessment {
  if (peers === 'everyone') return { match: 'yes', item: '' }
  const each = peers.map((peer) => matchPeer(question, peer, side))
  const match = each.includes('yes') ? 'yes' : each.includes('unsure') ? 'unsure' : 'no'
  const decided = match !== 'no' || each.length === 1
  return { match, item: decided ? `[${each.indexOf(match)}]` : '' }
}

function matchPeer(question: Question, peer: Peer, side: Side): Match {
  switch (peer.kind) {
    case 'pods':
      return side.pod !== undefined && selects(question, peer, side.pod) ? 'yes' : 'no'
    case 'block':
      return matchBlock(peer, side)
    case 'nothing':
      return 'no'
  }
}

/** Both selectors must match. A namespace not known yet is in `{}`, and in 'own' by its name, in nothing else. */
function selects(
  { cluster, policy }: Question,
  peer: Extract<Peer, { kind: 'pods' }>,
  pod: Pod,
): boolean {
  if (!matches(peer.pods, pod.labels)) return false
  if (peer.namespaces === 'own') return pod.namespace === policy.namespace
  const namespace = cluster.namespaces.get(pod.namespace)
  return namespace === undefined
    ? peer.namespaces.requirements.length === 0
    : matches(peer.namespaces, namespace.labels)
}

/** Any address of the block's family, whosever it is, without those in `except`. */
function matchBlock(peer: Extract<Peer, { kind: 'block' }>, side: Side): Match {
  if (familyOf(peer.cidr.first) !== side.family) return 'no'
  const { address } = side
  if (address === undefined) {
    return peer.cidr.prefix === 0 && peer.except.length === 0 ? 'yes' : 'unsure'
  }
  if (!contains(peer.cidr, address)) return 'no'
  return peer.except.some((except) => contains(except, address)) ? 'no' : 'yes'
}

interface PortsAssessment {
  readonly fails: readonly RulePart[]
  readonly item: string
}

/** Absent or empty means every protocol, ICMP too; else one item suffices, and the nearest is told. */
function assessPorts(
  ports: Rule['ports'],
  flow: Flow,
  destination: Pod | undefined,
): PortsAssessment {
  if (ports === 'all') return { fails: [], item: '' }
  const each = ports.map((match) => portFaults(match, flow, destination))
  const fewest = Math.min(...each.map((faults) => faults.length))
  const fails = each.find((faults) => faults.length === fewest) ?? []
  return { fails, item: each.length === 1 ? '[0]' : '' }
}

function portFaults(match: PortMatch, flow: Flow, destination: Pod | undefined): RulePart[] {
  const faults: RulePart[] = match.protocol === flow.protocol ? [] : ['protocol']
  // ICMP has no port that could be wrong.
  if (flow.protocol === 'ICMP' || hasPort(match, flow.port ?? 0, destination)) return faults
  return [...faults, 'port']
}

/** A name stands for the ports that the destination's own containers call so, whichever way the flow is judged. */
function hasPort(match: PortMatch, port: number, destination: Pod | undefined): boolean {
  switch (match.kind) {
    case 'every':
      return true
    case 'range':
      return match.first <= port && port <= match.last
    case 'named':
      return (destination?.namedPorts ?? []).some(
        (named) =>
          named.name === match.name && named.protocol === match.protocol && named.port === port,
      )
  }
}

interface Failure {
  readonly fails: readonly RulePart[]
  readonly unsure: boolean
  readonly other: Side
}

function explain({ flow, ends }: Question, rule: Rule, { fails, unsure, other }: Failure): string {
  const clauses: string[] = []
  if (fails.includes('peer')) {
    const side = describeSide(other)
    const fact = unsure ? `the address of ${side} is not known` : `${side} is not among them`
    clauses.push(`its peers are ${describePeers(rule.peers)}, and ${fact}`)
  }
  if (fails.includes('protocol') || fails.includes('port')) {
    const ports = describePorts(rule.ports, ends.to)
    clauses.push(`its ports are ${ports}, and the flow is ${describeFlow(flow)}`)
  }
  return clauses.join('; ')
}
