import { type Address, formatAddress } from '../policy/address.ts'
import type { Cluster } from '../policy/cluster.ts'
import { evaluate } from '../policy/evaluate.ts'
import type { Flow as PolicyFlow } from '../policy/flow.ts'
import type { Direction, Pod } from '../policy/model.ts'
import type { RuleRef, Verdict } from '../policy/verdict.ts'
import type { Flow, FlowEnd, PlacedRule } from './flow.ts'
import type { LoggedPacket } from './logged-packet.ts'
import type { Packet } from './packet.ts'
import { workloadOf } from './workload.ts'

export interface FlowContext {
  /** The part of the cluster that decides about flows between these addresses. */
  readonly clusterAround: (addresses: readonly Address[]) => Cluster
  /** Where a rule stands, if the source has files. */
  readonly place: (rule: RuleRef) => Pick<PlacedRule, 'file' | 'line'>
}

/**
 * What a logged packet is about, in the words of the cluster, and why it got its verdict.
 *
 * @param at milliseconds since the epoch
 * @returns undefined for a packet that is to and from no pod, which is not our affair
 */
export function describeFlow(
  { verdict, direction: logged, packet }: LoggedPacket,
  at: number,
  { clusterAround, place }: FlowContext,
): Flow | undefined {
  const { source, destination, protocol, destinationPort } = packet
  const cluster = clusterAround([source, destination])
  const pods = { from: ownerOf(source, cluster), to: ownerOf(destination, cluster) }
  if (pods.from === undefined && pods.to === undefined) return undefined
  const name = PROTOCOLS.get(protocol) ?? `protocol ${protocol}`
  const { judged, reason } = judge({ verdict, packet, name }, cluster)
  const direction = logged ?? directionOf(pods.to)
  const { isolatedBy, allowedBy, nearestMiss } = judged[direction]
  const rule = allowedBy ?? nearestMiss
  const time = new Date(at).toISOString()
  return {
    firstAt: time,
    lastAt: time,
    packets: 1,
    verdict,
    direction,
    protocol: name,
    port: destinationPort ?? null,
    from: endOf(source, pods.from, cluster),
    to: endOf(destination, pods.to, cluster),
    reason,
    isolatedBy,
    rule: rule && { ...rule, ...place(rule) },
  }
}

/** IANA's numbers of the protocols that people know by name. */
const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [1, 'ICMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [58, 'ICMPv6'],
  [132, 'SCTP'],
])

interface Judging {
  readonly verdict: Flow['verdict']
  readonly packet: Packet
  readonly name: string
}

/** The evaluator knows the policies of now, the packet met those of a moment ago. */
function judge(
  { verdict, packet, name }: Judging,
  cluster: Cluster,
): { readonly judged: Verdict; readonly reason: string } {
  const nameable = policyFlow(packet)
  // To policy all that has no port is alike: rules with ports are not about it.
  const judged = evaluate(cluster, nameable ?? { ...endsOf(packet), protocol: 'ICMP' })
  if (judged.verdict !== verdict) {
    return { judged, reason: `The policies have changed since. Now: ${judged.reason}` }
  }
  if (nameable !== undefined || verdict === 'allow') return { judged, reason: judged.reason }
  return { judged, reason: `Only a rule without ports can allow ${name} here, and none does.` }
}

/** The question that the evaluator can answer; undefined for protocols that no policy can name. */
function policyFlow(packet: Packet): PolicyFlow | undefined {
  const { destinationPort: port } = packet
  const name = PROTOCOLS.get(packet.protocol)
  if (name === 'ICMP' || name === 'ICMPv6') return { ...endsOf(packet), protocol: 'ICMP' }
  if (port === undefined || (name !== 'TCP' && name !== 'UDP' && name !== 'SCTP')) return undefined
  return { ...endsOf(packet), protocol: name, port }
}

function endsOf({ source, destination }: Packet): Pick<PolicyFlow, 'from' | 'to'> {
  return {
    from: { kind: 'address', address: source },
    to: { kind: 'address', address: destination },
  }
}

/** Both sides allow what is allowed. The destination's word is told where it is of this node. */
function directionOf(to: Pod | undefined): Direction {
  return to?.local === true ? 'ingress' : 'egress'
}

function ownerOf(address: Address, { pods }: Cluster): Pod | undefined {
  return pods.values().find(({ addresses }) => addresses.includes(address))
}

function endOf(address: Address, pod: Pod | undefined, { nodes }: Cluster): FlowEnd {
  const text = formatAddress(address)
  if (pod !== undefined) {
    const { namespace, name } = pod
    return { kind: 'pod', address: text, namespace, pod: name, workload: workloadOf(pod) ?? null }
  }
  for (const [node, addresses] of nodes) {
    if (addresses.includes(address)) return { kind: 'node', address: text, node }
  }
  return { kind: 'outside', address: text }
}
