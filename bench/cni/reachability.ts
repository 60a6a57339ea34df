import type { Place } from '../../src/lab/place.ts'
import type { Outcome } from '../../src/lab/place-messages.ts'
import { OPEN_PORT } from './plugin.ts'

/** One end of a check: a pod's thread, and its addresses, one a family. */
export interface PodEnd {
  readonly name: string
  readonly place: Place
  readonly addresses: readonly string[]
}

/** Between namespaces of one machine an answer comes within a millisecond; a lost SYN is repeated after a second. */
const ANSWER_MS = 2500
const SILENCE_MS = 200

/** Sends a real connection attempt in each family. Rejects with a sentence when what comes is not what should. */
export async function expectPackets(
  from: PodEnd,
  to: PodEnd,
  expected: 'answered' | 'unanswered',
): Promise<void> {
  for (const address of to.addresses) {
    const outcome = await knock(from, address, expected === 'answered' ? ANSWER_MS : SILENCE_MS)
    if (outcome.kind === expected) continue
    throw new Error(
      `WRONG VERDICT: ${from.name} to ${to.name} (${address}) should be ${expected}: ${JSON.stringify(outcome)}`,
    )
  }
}

function knock(from: PodEnd, to: string, timeoutMs: number): Promise<Outcome> {
  const source = from.addresses.find((one) => one.includes(':') === to.includes(':')) ?? ''
  return from.place.knock({ protocol: 'TCP', from: source, to, port: OPEN_PORT, timeoutMs })
}
