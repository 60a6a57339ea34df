import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainScalar } from '../../src/cluster/plain-scalar.ts'

describe('words', () => {
  test.each([
    ['yes', true],
    ['Yes', true],
    ['YES', true],
    ['y', true],
    ['Y', true],
    ['on', true],
    ['TRUE', true],
    ['no', false],
    ['n', false],
    ['Off', false],
    ['false', false],
    ['null', null],
    ['Null', null],
    ['~', null],
    ['', null],
  ])('%j is %j', (text, value) => expect(plainScalar(text)).toBe(value))

  test.each(['yEs', 'oN', 'nuLL', 'yes!', '.inf', '.nan', '-.Inf'])('%j stays text', (text) =>
    expect(plainScalar(text)).toBe(text),
  )
})

describe('numbers', () => {
  test.each([
    ['0', 0],
    ['80', 80],
    ['+80', 80],
    ['-1', -1],
    ['010', 8],
    ['-010', -8],
    ['08', 8],
    ['0o17', 15],
    ['0x1F', 31],
    ['-0X1f', -31],
    ['0b101', 5],
    ['1_000', 1000],
    ['1.5', 1.5],
    ['1.', 1],
    ['.5', 0.5],
    ['1e3', 1000],
    ['1E+3', 1000],
    ['80.0', 80],
  ])('%j is %d', (text, value) => expect(plainScalar(text)).toBe(value))

  test.each([
    '1:30',
    '2001-01-01',
    '10.0.0.1',
    '0x',
    '0b2',
    '1e',
    '-',
    '+',
    '.',
    '1.2.3',
    '80/TCP',
  ])('%j stays text', (text) => expect(plainScalar(text)).toBe(text))
})

test('a number that JSON writes is read as itself', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })),
      (n) => {
        expect(plainScalar(String(n))).toBe(Object.is(n, -0) ? 0 : n)
      },
    ),
  )
})
