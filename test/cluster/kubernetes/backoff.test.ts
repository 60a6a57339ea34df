import { expect, test } from 'vitest'
import { Backoff } from '../../../src/cluster/kubernetes/backoff.ts'

test('twice as long each time, up to the limit, until it works again', () => {
  const backoff = new Backoff({ firstMs: 500, lastMs: 3_000, random: () => 0 })
  expect([1, 2, 3, 4, 5].map(() => backoff.next())).toEqual([500, 1_000, 2_000, 3_000, 3_000])
  backoff.reset()
  expect(backoff.next()).toBe(500)
})

test('chance takes away up to half', () => {
  let chance = 0
  const backoff = new Backoff({ firstMs: 100, lastMs: 100, random: () => chance })
  expect(backoff.next()).toBe(100)
  chance = 0.5
  expect(backoff.next()).toBe(75)
  chance = 0.999
  expect(backoff.next()).toBeCloseTo(50, 0)
})
