import { expect, test } from 'vitest'
import { byFamily } from '../../../bench/harness/by-family.ts'

test('each address is found by its family, in any order', () => {
  const both = { 4: '10.0.0.2', 6: 'fd00::2' }
  expect(byFamily('pod', ['10.0.0.2', 'fd00::2'])).toEqual(both)
  expect(byFamily('pod', ['fd00::2', '10.0.0.2'])).toEqual(both)
})

test('a pod without one of them is named', () => {
  expect(() => byFamily('pod-7', ['10.0.0.2'])).toThrow('pod-7 was given only 10.0.0.2.')
})
