import { connect, type Socket } from 'node:net'
import type { Knock, StreamEnd } from './place-messages.ts'

/** How often a stream sends a byte: the precision with which its end is known. */
const BEAT_MS = 10

/** A TCP connection that goes on sending a byte and hearing it back, until something ends it. */
export interface Stream {
  readonly end: Promise<StreamEnd>
}

/** Resolves after the first echo. Rejects when that does not come in time. */
export function openStream(
  { from, to, port, timeoutMs }: Knock,
  now: () => number,
): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: to, port: port ?? 0, localAddress: from, noDelay: true })
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no connection to ${to} port ${port} within ${timeoutMs} ms`))
    }, timeoutMs)
    socket.once('error', reject)
    socket.once('data', () => {
      clearTimeout(timer)
      socket.off('error', reject)
      resolve({ end: watchUntilEnd(socket, now) })
    })
  })
}

function watchUntilEnd(socket: Socket, now: () => number): Promise<StreamEnd> {
  return new Promise((resolve) => {
    let lastEchoAtMs = now()
    let how = 'closed'
    const beat = setInterval(() => socket.write('.'), BEAT_MS)
    socket.on('data', () => {
      lastEchoAtMs = now()
    })
    socket.on('error', (error) => {
      how = 'code' in error ? String(error.code) : error.message
    })
    socket.on('close', () => {
      clearInterval(beat)
      resolve({ lastEchoAtMs, endedAtMs: now(), how })
    })
  })
}
