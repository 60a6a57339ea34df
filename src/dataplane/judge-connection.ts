import type { ConnectionEnds } from '../netlink/listed-connection.ts'
import type { Address } from '../policy/address.ts'
import { type AddressFlow, decide } from '../policy/decide.ts'
import type { Tables } from '../policy/tables.ts'
import { protocolOf } from './protocols.ts'

/**
 * A tracked connection as the policy program saw its first packet: from the original source to where
 * replies come from. For a connection to a Service, the original destination is the Service's address, and
 * replies come from the pod that it reached.
 */
export function judgedFlow({ protocol, original, reply }: ConnectionEnds): AddressFlow {
  return {
    from: original.src,
    to: reply.src,
    protocol: protocolOf(protocol) ?? 'ICMP',
    port: reply.sport,
  }
}

/** Whether today's verdicts cover the connection. What the node itself sends is never policy. */
export function isCovered(
  flow: AddressFlow,
  tables: Tables,
  isOwn: (address: Address) => boolean,
): boolean {
  const isAllowed =
    decide(tables, 'egress', flow) === 'allow' && decide(tables, 'ingress', flow) === 'allow'
  return isAllowed || isOwn(flow.from)
}
