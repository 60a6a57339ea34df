import { expect, test } from 'vitest'
import { roundsWithin } from '../../../bench/harness/rounds-within.ts'

/** Numbers of the rounds that there are when they take this long, one after the other. */
function roundsThatTake(ms: readonly number[], endMs: number, atLeast: number): number[] {
  let nowMs = 0
  const rounds: number[] = []
  for (const round of roundsWithin(endMs, atLeast, () => nowMs)) {
    rounds.push(round)
    nowMs += ms[round] ?? Number.POSITIVE_INFINITY
  }
  return rounds
}

test('rounds go on until the time is over', () => {
  expect(roundsThatTake([10, 10, 10], 30, 1)).toEqual([0, 1, 2])
})

test('none begins that would not end in time if it took as long as the longest', () => {
  expect(roundsThatTake([10, 20, 10, 10], 50, 1)).toEqual([0, 1, 2])
})

test('some there are however long they take', () => {
  expect(roundsThatTake([100, 100], 50, 2)).toEqual([0, 1])
})
