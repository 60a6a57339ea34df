import { setTimeout as delay } from 'node:timers/promises'
import type { Outcome } from './place-messages.ts'

/** Datagrams get lost, so each probe without a connection sends this many. */
const ATTEMPTS = 3

/** Sends a few times, evenly over the time given; resolves when that is over, or when aborted. */
export async function repeat(send: () => void, spanMs: number, signal: AbortSignal): Promise<void> {
  for (let sent = 0; sent < ATTEMPTS && !signal.aborted; sent++) {
    send()
    await delay(spanMs / ATTEMPTS, undefined, { signal }).catch(() => {})
  }
}

export function timedOut(timeoutMs: number): Outcome {
  return { kind: 'unanswered', detail: `no answer within ${timeoutMs} ms` }
}
