import { expect, test } from 'vitest'
import { nearest } from '../../../src/policy/parse/nearest.ts'

const FIELDS = ['podSelector', 'namespaceSelector', 'ipBlock', 'ports', 'from', 'to', 'matchLabels']

test.each([
  ['podSelecter', 'podSelector'],
  ['podselector', 'podSelector'],
  ['port', 'ports'],
  ['form', 'from'],
  ['ipblocks', 'ipBlock'],
  ['labels', 'matchLabels'],
  ['selector', 'podSelector'],
  ['o', 'to'],
  ['x', undefined],
  ['toes', undefined],
  ['', undefined],
  ['completely', undefined],
  ['constructor', undefined],
])('%j means %j', (word, expected) => {
  expect(nearest(word, FIELDS)).toBe(expected)
})

test('the nearest of several is told', () => {
  expect(nearest('egres', ['ingress', 'egress'])).toBe('egress')
})
