import { expect, test } from 'vitest'
import { Histogram } from '../../src/metrics/histogram.ts'

test('counts each value below every bound that it does not exceed', () => {
  const histogram = new Histogram([1, 2, 5])
  for (const value of [0, 1, 1.5, 5, 7]) histogram.observe(value)
  expect(histogram.read()).toEqual({
    buckets: [
      [1, 2],
      [2, 3],
      [5, 4],
    ],
    sum: 14.5,
    count: 5,
  })
})

test('one value may count for many', () => {
  const histogram = new Histogram([1])
  histogram.observe(0.5, 3)
  histogram.observe(2, 2)
  expect(histogram.read()).toEqual({ buckets: [[1, 3]], sum: 5.5, count: 5 })
})
