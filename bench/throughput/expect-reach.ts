import type { Outcome } from '../../src/lab/place-messages.ts'
import type { Family } from '../../src/policy/address.ts'
import { type PodEnd, CHECK_PORT } from './pod-end.ts'

const FAMILIES: readonly Family[] = [4, 6]
/** Between namespaces of one machine an answer comes within a millisecond; a lost SYN is repeated after a second. */
const WAIT_MS = { answered: 2500, unanswered: 200 } as const

/** Sends a real connection attempt in each family. Rejects with a sentence when what comes is not what should. */
export async function expectReach(
  from: PodEnd,
  to: PodEnd,
  expected: 'answered' | 'unanswered',
): Promise<void> {
  for (const family of FAMILIES) {
    const outcome = await knock(from, to, family, WAIT_MS[expected])
    if (outcome.kind === expected) continue
    throw new Error(
      `WRONG VERDICT: ${from.name} to ${to.name} over IPv${family} should be ${expected}: ${JSON.stringify(outcome)}`,
    )
  }
}

function knock(from: PodEnd, to: PodEnd, family: Family, timeoutMs: number): Promise<Outcome> {
  return from.place.knock({
    protocol: 'TCP',
    from: from.addresses[family],
    to: to.addresses[family],
    port: CHECK_PORT,
    timeoutMs,
  })
}
