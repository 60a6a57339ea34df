import { randomInt } from 'node:crypto'
import type { Knock, Outcome } from './place-messages.ts'
import { exchange } from './raw-exchange.ts'
import { decodeSctp, encodeSctp, IPPROTO_SCTP } from './sctp-packet.ts'

/**
 * The first half of an SCTP handshake (RFC 9260, section 5.1), spoken over raw sockets: INIT, and INIT ACK as
 * the answer. A policy judges the first packet, and so the lab can probe SCTP on kernels without it.
 */
export function knockSctp(knock: Knock): Promise<Outcome> {
  // 0 is reserved (RFC 9260, section 3.3.2).
  const tag = randomInt(1, 2 ** 32)
  const sourcePort = randomInt(32_768, 61_000)
  const init = {
    sourcePort,
    destinationPort: knock.port ?? 0,
    verificationTag: 0,
    chunk: 'INIT',
    initiateTag: tag,
    note: knock.from,
  } as const
  return exchange(knock, {
    protocol: IPPROTO_SCTP,
    packet: encodeSctp(init),
    answeredBy: (received) => {
      const answer = decodeSctp(received)
      const ours = answer?.chunk === 'INIT ACK' && answer.verificationTag === tag
      return ours && answer.destinationPort === sourcePort ? answer.note : undefined
    },
  })
}
