import type { BenchContext } from '../harness/context.ts'
import { rotated } from '../harness/rotated.ts'

/**
 * One round: each side has a turn, and who begins changes from round to round.
 *
 * @returns the results in the order of the sides
 * @throws what ends the run early
 */
export async function takeTurns<T>(
  sides: readonly (() => Promise<T>)[],
  round: number,
  { noise, signal }: Pick<BenchContext, 'noise' | 'signal'>,
): Promise<T[]> {
  const results = new Map<number, T>()
  for (const [index, turn] of rotated([...sides.entries()], round)) {
    signal.throwIfAborted()
    noise.sample()
    results.set(index, await turn())
  }
  return [...results].sort(([a], [b]) => a - b).map(([, result]) => result)
}
