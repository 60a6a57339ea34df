import { repeat, timedOut } from './attempts.ts'
import type { Knock, Outcome } from './place-messages.ts'
import { openRawSocket } from './raw-socket.ts'

export interface Exchange {
  /** IP protocol number. */
  readonly protocol: number
  readonly packet: Uint8Array
  /** Who answered, if this packet is the answer. */
  readonly answeredBy: (packet: Uint8Array) => string | undefined
}

/** Sends a packet of our own making a few times, and waits for its answer among all that arrives. */
export async function exchange(
  knock: Knock,
  { protocol, packet, answeredBy }: Exchange,
): Promise<Outcome> {
  const socket = openRawSocket(protocol, knock.from)
  const done = new AbortController()
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      socket.onPacket((received) => {
        const by = answeredBy(received)
        if (by !== undefined) resolve({ kind: 'answered', by })
      })
      const send = (): void => socket.send(packet, knock.to)
      repeat(send, knock.timeoutMs, done.signal).then(
        () => resolve(timedOut(knock.timeoutMs)),
        reject,
      )
    })
  } finally {
    done.abort()
    socket.close()
  }
}
