/** A clock, in milliseconds. */
export type Now = () => number

/**
 * Numbers of rounds, from 0, as long as one more is likely to end in time: as long as none took longer than what is
 * left.
 *
 * @param endMs when no round should go on, by `now`
 * @param atLeast so many there are however long they take
 */
export function* roundsWithin(endMs: number, atLeast: number, now: Now): Generator<number> {
  let longestMs = 0
  for (let round = 0; ; round++) {
    const startedAtMs = now()
    if (round >= atLeast && startedAtMs + longestMs > endMs) return
    yield round
    longestMs = Math.max(longestMs, now() - startedAtMs)
  }
}
