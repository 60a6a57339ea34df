import { expect, test } from 'vitest'
import { fuzzApart, type Outcome } from './fuzz-apart.ts'
import { targets } from './targets.ts'

test('whatever comes from outside is read or refused, in words and in time', async () => {
  const names = targets.map(({ name }) => name)
  const outcomes: Outcome[] = []
  // The same inputs every time; `make fuzz` takes others.
  await fuzzApart({ names, inputs: 120, seed: 1 }, (outcome) => outcomes.push(outcome))
  expect(outcomes.flatMap(({ error }) => error ?? [])).toEqual([])
  expect(outcomes.map(({ name }) => name)).toEqual(names)
})
