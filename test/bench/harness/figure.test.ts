import { describe, expect, test } from 'vitest'
import { figureOf } from '../../../bench/harness/figure.ts'

const measured = { figure: 'f', unit: 'ms', share: 0.5 } as const

describe('a figure with a baseline', () => {
  test('has the median of the ratios round by round, not the ratio of the medians', () => {
    // The second round met a slow machine on both sides.
    const figure = figureOf({ ...measured, ours: [[2], [20], [3]], baseline: [[10], [100], [10]] })
    expect(figure).toMatchObject({ value: 3, baseline: 10, ratio: 0.2 })
  })

  test('has the middle half of the ratios as spread', () => {
    const ours = [[1], [2], [3], [4]]
    const figure = figureOf({ ...measured, ours, baseline: ours.map(() => [1]) })
    expect(figure.spread).toBeCloseTo((4 - 2) / 3)
  })

  test.each([
    [0.2, true],
    [0.19, false],
  ])('meets a ratio of at most %d: %s', (atMost, met) => {
    const goal = { of: 'ratio', atMost } as const
    const figure = figureOf({ ...measured, ours: [[2]], baseline: [[10]], goal })
    expect(figure).toMatchObject({ goal: `ratio ≤ ${atMost}`, met })
  })
})

describe('a figure without a baseline', () => {
  test('is the quantile of all samples, and its spread that of the rounds', () => {
    const ours = [
      [1, 1, 9],
      [2, 2, 2],
    ]
    const figure = figureOf({ ...measured, share: 0.99, ours })
    expect(figure).toMatchObject({ value: 9, baseline: null, ratio: null, goal: null, met: null })
    expect(figure.spread).toBeCloseTo((9 - 2) / 9)
  })

  test.each([
    [10, true],
    [9.9, false],
  ])('meets at most %d: %s', (atMost, met) => {
    const goal = { of: 'value', atMost } as const
    expect(figureOf({ ...measured, ours: [[10]], goal })).toMatchObject({
      goal: `≤ ${atMost} ms`,
      met,
    })
  })
})

test.each([
  [10, true],
  [10.1, false],
])('meets at least %d: %s', (atLeast, met) => {
  const goal = { of: 'value', atLeast } as const
  expect(figureOf({ ...measured, ours: [[10]], goal })).toMatchObject({
    goal: `≥ ${atLeast} ms`,
    met,
  })
})

describe('what is rare', () => {
  const rare = { ...measured, share: 'mean', goal: { of: 'value', atMost: 0 } } as const

  test('shows in a mean, where a median hides it', () => {
    const figure = figureOf({ ...rare, ours: [[0, 0, 0, 2]], baseline: [[1, 1, 1, 1]] })
    expect(figure).toMatchObject({ value: 0.5, baseline: 1, ratio: 0.5, goal: '0 ms', met: false })
  })

  test('has no ratio to a baseline of nothing', () => {
    const figure = figureOf({ ...rare, ours: [[0, 0]], baseline: [[0, 0]] })
    expect(figure).toMatchObject({ value: 0, baseline: 0, ratio: null, met: true, spread: 0 })
  })
})

test('nothing measured is an error, not a figure', () => {
  expect(() => figureOf({ ...measured, ours: [] })).toThrow(RangeError)
  expect(() => figureOf({ ...measured, ours: [[1], []] })).toThrow(RangeError)
  expect(() => figureOf({ ...measured, share: 'mean', ours: [] })).toThrow(RangeError)
})
