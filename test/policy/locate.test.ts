import { expect, test } from 'vitest'
import { locate } from '../../src/policy/locate.ts'
import { address } from './literals.ts'

const RANGES = [
  ['0.0.0.0', '0.0.0.9'],
  ['0.0.0.10', '0.0.0.10'],
  ['0.0.0.20', '0.0.0.29'],
  ['255.255.255.255', '255.255.255.255'],
].map(([first = '', last = '']) => ({ first: address(first), last: address(last) }))

test.each([
  ['0.0.0.0', 0],
  ['0.0.0.9', 0],
  ['0.0.0.10', 1],
  ['0.0.0.11', undefined],
  ['0.0.0.20', 2],
  ['0.0.0.29', 2],
  ['0.0.0.30', undefined],
  ['255.255.255.254', undefined],
  ['255.255.255.255', 3],
])('%s lies in range %s', (text, index) => {
  const found = locate(RANGES, address(text))
  expect(found).toBe(index === undefined ? undefined : RANGES[index])
})

test('no ranges hold nothing', () => {
  expect(locate([], address('::1'))).toBeUndefined()
})
