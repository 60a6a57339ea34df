import type { Connection } from '../netlink/conntrack.ts'
import type { Address } from '../policy/address.ts'
import { type AddressFlow, decide } from '../policy/decide.ts'
import type { Tables } from '../policy/tables.ts'
import { protocolOf } from './protocols.ts'

/**
 * A tracked connection as the policy program saw its first packet: from the original source to where
 * replies come from. For a connection to a Service, the original destination is the Service's address, and
 * replies come from the pod that it reached.
 *
 * One that a helper expected (FTP data) is judged as the connection that it belongs to.
 */
export function judgedEnds(connection: Connection, all: readonly Connection[]): AddressFlow {
  const { protocol, original, reply } = masterOf(connection, all) ?? connection
  return {
    from: original.src,
    to: reply.src,
    protocol: protocolOf(protocol) ?? 'ICMP',
    port: reply.sport,
  }
}

function masterOf({ master }: Connection, all: readonly Connection[]): Connection | undefined {
  if (master === undefined) return undefined
  return all.find(
    ({ original }) =>
      original.src === master.src &&
      original.dst === master.dst &&
      original.sport === master.sport &&
      original.dport === master.dport,
  )
}

/**
 * Whether today's verdicts cover the connection. What the node itself sends is never policy.
 *
 * @param ownAddresses of this node
 */
export function isCovered(
  flow: AddressFlow,
  tables: Tables,
  ownAddresses: ReadonlySet<Address>,
): boolean {
  if (ownAddresses.has(flow.from)) return true
  return decide(tables, 'egress', flow) === 'allow' && decide(tables, 'ingress', flow) === 'allow'
}
