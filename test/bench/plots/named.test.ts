import { expect, test } from 'vitest'
import { named } from '../../../bench/plots/named.ts'

const NAMES = ['ADD of 50', 'DEL of 50', 'ADD of 200']
const nameOf = (name: string): string => name

test('finds what follows a pattern, with its parts', () => {
  expect(named(NAMES, nameOf, /^ADD of (?<pods>\d+)$/u)).toEqual([
    { of: 'ADD of 50', parts: { pods: '50' } },
    { of: 'ADD of 200', parts: { pods: '200' } },
  ])
})

test('a pattern that nothing follows any more is an error, not an empty plot', () => {
  expect(() => named(NAMES, nameOf, /^CHECK/u)).toThrow('No figure has a name like ^CHECK.')
})
