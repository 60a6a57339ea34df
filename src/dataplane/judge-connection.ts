import type { Connection } from '../netlink/conntrack.ts'
import type { Address } from '../policy/address.ts'
import { decide } from '../policy/decide.ts'
import type { Tables } from '../policy/tables.ts'
import { protocolOf } from './protocols.ts'

/** Who talks to whom in a tracked connection, as the policy program saw its first packet. */
export interface Ends {
  readonly from: Address
  readonly to: Address
}

/**
 * The ends of a connection: its original source, and where replies come from. For a connection to a Service
 * the original destination is the Service's address; the reply's source is the pod that it reached.
 */
export function endsOf({ original, reply }: Connection): Ends {
  return { from: original.src, to: reply.src }
}

/**
 * Whether today's verdicts cover the connection. What the node itself sends is never policy.
 *
 * @param ownAddresses of this node
 */
export function isCovered(
  connection: Connection,
  tables: Tables,
  ownAddresses: ReadonlySet<Address>,
): boolean {
  const { from, to } = endsOf(connection)
  if (ownAddresses.has(from)) return true
  const flow = {
    from,
    to,
    protocol: protocolOf(connection.protocol) ?? 'ICMP',
    port: connection.reply.sport,
  } as const
  return decide(tables, 'egress', flow) === 'allow' && decide(tables, 'ingress', flow) === 'allow'
}
