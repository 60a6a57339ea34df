import { expect, test } from 'vitest'
import { takeTurns } from '../../../bench/programming/take-turns.ts'

test.each([
  [0, ['a', 'b', 'c']],
  [1, ['b', 'c', 'a']],
  [5, ['c', 'a', 'b']],
])('round %d begins with another side, and its results are in order', async (round, order) => {
  const began: string[] = []
  const sides = ['a', 'b', 'c'].map((side) => () => {
    began.push(side)
    return Promise.resolve(side)
  })
  const context = { noise: { sample: () => undefined }, signal: new AbortController().signal }
  expect(await takeTurns(sides, round, context)).toEqual(['a', 'b', 'c'])
  expect(began).toEqual(order)
})

test('a run that shall end early begins no turn', async () => {
  const context = {
    noise: { sample: () => undefined },
    signal: AbortSignal.abort(new Error('ended')),
  }
  const side = () => Promise.reject(new Error('began'))
  await expect(takeTurns([side], 0, context)).rejects.toThrow('ended')
})
