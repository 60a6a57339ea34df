import { randomInt } from 'node:crypto'
import type { Service } from './place-messages.ts'
import { openRawSocket } from './raw-socket.ts'
import { decodeSctp, encodeSctp, IPPROTO_SCTP } from './sctp-packet.ts'

/** Answers every INIT to this port with an INIT ACK that says who answers. */
export function answerSctp({ address, port }: Service, name: string): void {
  const socket = openRawSocket(IPPROTO_SCTP, address)
  socket.onPacket((received) => {
    const init = decodeSctp(received)
    if (init?.chunk !== 'INIT' || init.destinationPort !== port) return
    const answer = encodeSctp({
      sourcePort: port,
      destinationPort: init.sourcePort,
      verificationTag: init.initiateTag,
      chunk: 'INIT ACK',
      initiateTag: randomInt(1, 2 ** 32),
      note: name,
    })
    socket.send(answer, init.note)
  })
}
