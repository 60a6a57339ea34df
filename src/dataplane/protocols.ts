import type { Protocol } from '../policy/model.ts'

/** IANA protocol numbers of what a policy can name (linux/in.h: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP). */
export const PROTOCOL_NUMBERS = { TCP: 6, UDP: 17, SCTP: 132 } as const satisfies Record<
  Protocol,
  number
>

const PROTOCOLS = new Map<number, Protocol>([
  [6, 'TCP'],
  [17, 'UDP'],
  [132, 'SCTP'],
])

/** The protocol of this number; `undefined` for those that a policy cannot name, such as ICMP. */
export function protocolOf(number: number): Protocol | undefined {
  return PROTOCOLS.get(number)
}
