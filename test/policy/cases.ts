import { parseAddress } from '../../src/policy/address.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import { clusterOf } from '../../src/policy/cluster.ts'
import type { Endpoint, Flow } from '../../src/policy/flow.ts'
import type { ClusterEvent, ObjectKey } from '../../src/policy/model.ts'
import { keyOf } from '../../src/policy/model.ts'
import { parseObject } from '../../src/policy/parse.ts'
import type { Outcome } from '../../src/policy/verdict.ts'
import { peerCases } from './cases/peers.ts'
import { portCases } from './cases/ports.ts'
import { isolationCases } from './cases/isolation.ts'
import { ownerCases } from './cases/owners.ts'
import { address } from './literals.ts'

/**
 * The meaning of NetworkPolicy, a line at a time: one list for the evaluator, the compiler and the kernel.
 * Names say what the API says.
 */
export const CASES: readonly Case[] = [...isolationCases, ...peerCases, ...portCases, ...ownerCases]

export interface Case {
  readonly name: string
  /** Kubernetes objects, as `parseObject` reads them. */
  readonly objects: readonly unknown[]
  /** Addresses of nodes. */
  readonly nodes?: Readonly<Record<string, readonly string[]>>
  /** Pods wired on this node: `namespace/name`. */
  readonly local?: readonly string[]
  readonly flows: readonly CaseFlow[]
}

/** From and to (`namespace/pod` or an address), what (`TCP 80` or `ICMP`), and the answer. */
export type CaseFlow = readonly [from: string, to: string, what: string, expected: Outcome]

/** The cluster that a case describes. Invalid policies are there as what stands in for them. */
export function clusterOfCase({ objects, nodes = {}, local = [] }: Case): Cluster {
  return clusterOf([
    ...Object.entries(nodes).map(([name, texts]): ClusterEvent => {
      return { kind: 'node', name, addresses: texts.map(address) }
    }),
    ...objects.map((object) => eventOf(object, local)),
  ])
}

export function flowOf([from, to, what]: CaseFlow): Flow {
  const ends = { from: endpointOf(from), to: endpointOf(to) }
  const [protocol, port] = what.split(' ')
  if (protocol === 'ICMP') return { ...ends, protocol }
  if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP') {
    throw new Error(`${what} in a case has no protocol.`)
  }
  return { ...ends, protocol, port: Number(port) }
}

function endpointOf(text: string): Endpoint {
  const parsed = parseAddress(text)
  if (parsed !== undefined) return { kind: 'address', address: parsed }
  const [namespace = '', name = ''] = text.split('/')
  return { kind: 'pod', key: keyOf({ namespace, name }) satisfies ObjectKey }
}

function eventOf(object: unknown, local: readonly string[]): ClusterEvent {
  const parsed = parseObject(object, { unknownFields: 'reject' })
  switch (parsed.kind) {
    case 'namespace':
      return parsed
    case 'policy':
      return parsed
    case 'pod':
      return { kind: 'pod', pod: { ...parsed.pod, local: local.includes(keyOf(parsed.pod)) } }
    case 'invalid':
      if (parsed.salvage !== undefined) return { kind: 'policy', policy: parsed.salvage }
      throw new Error(`${parsed.object}: ${JSON.stringify(parsed.problems)}`)
    default:
      throw new Error(`An object of a case is ${parsed.kind}.`)
  }
}
