import type { Place } from '../../src/lab/place.ts'
import type { Family } from '../../src/policy/address.ts'

/** A pod between which and others connections are tried: a thread in it, and its addresses. */
export interface ReachEnd {
  readonly name: string
  readonly place: Place
  readonly addresses: Readonly<Record<Family, string>>
}

const FAMILIES: readonly Family[] = [4, 6]
/**
 * Between namespaces of one machine an answer comes within a millisecond. A lost SYN is repeated after one, three and
 * seven seconds: pods on a bridge have to find each other first, and after 200 at once that once took over 2.5 s.
 */
const WAIT_MS = { answered: 10_000, unanswered: 200 } as const

/**
 * Sends a real connection attempt to a TCP port in each family. Rejects with a sentence when what comes is not what
 * should.
 */
export async function expectReach(
  from: ReachEnd,
  to: ReachEnd,
  port: number,
  expected: 'answered' | 'unanswered',
): Promise<void> {
  for (const family of FAMILIES) {
    const outcome = await from.place.knock({
      protocol: 'TCP',
      from: from.addresses[family],
      to: to.addresses[family],
      port,
      timeoutMs: WAIT_MS[expected],
    })
    if (outcome.kind === expected) continue
    throw new Error(
      `WRONG VERDICT: ${from.name} to ${to.name} over IPv${family} should be ${expected}: ${JSON.stringify(outcome)}`,
    )
  }
}
