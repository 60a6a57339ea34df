import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Requirement } from '../../src/policy/model.ts'
import { EVERYTHING, makeSelector, matches } from '../../src/policy/selector.ts'
import { labels, selector } from './arbitraries.ts'

const IN: Requirement = { key: 'k', operator: 'In', values: ['x', ''] }
const NOT_IN: Requirement = { key: 'k', operator: 'NotIn', values: ['x', ''] }
const EXISTS: Requirement = { key: 'k', operator: 'Exists' }
const ABSENT: Requirement = { key: 'k', operator: 'DoesNotExist' }

describe('matches', () => {
  test.each([
    [IN, { k: 'x' }, true],
    [IN, { k: '' }, true],
    [IN, { k: 'y' }, false],
    [IN, {}, false],
    [NOT_IN, { k: 'x' }, false],
    [NOT_IN, { k: '' }, false],
    [NOT_IN, { k: 'y' }, true],
    [NOT_IN, {}, true],
    [EXISTS, { k: '' }, true],
    [EXISTS, { other: 'x' }, false],
    [ABSENT, { k: '' }, false],
    [ABSENT, { other: 'x' }, true],
  ])('%j on %j is %s', (requirement, given, expected) => {
    const own = new Map<string, string>(Object.entries(given))
    expect(matches(makeSelector([requirement]), own)).toBe(expected)
  })

  test('nothing required is everything', () => {
    fc.assert(fc.property(labels, (own) => matches(EVERYTHING, own)))
  })

  test('all requirements must hold', () => {
    fc.assert(
      fc.property(selector, selector, labels, (one, other, own) => {
        const both = makeSelector([...one.requirements, ...other.requirements])
        expect(matches(both, own)).toBe(matches(one, own) && matches(other, own))
      }),
    )
  })
})

describe('makeSelector', () => {
  test('gives one selector for one meaning, in any order', () => {
    const sorted = makeSelector([ABSENT, EXISTS, IN, NOT_IN])
    expect(makeSelector([NOT_IN, IN, EXISTS, EXISTS, ABSENT, IN])).toEqual(sorted)
    expect(sorted.requirements.map(({ operator }) => operator)).toEqual([
      'DoesNotExist',
      'Exists',
      'In',
      'NotIn',
    ])
    expect(sorted.requirements[2]).toEqual({ key: 'k', operator: 'In', values: ['', 'x'] })
  })

  test('sorts by key before all else', () => {
    const keys = ['b', 'a-b', 'a', 'a.b'].map((key): Requirement => ({ key, operator: 'Exists' }))
    expect(makeSelector(keys).requirements.map(({ key }) => key)).toEqual(['a', 'a-b', 'a.b', 'b'])
  })
})
