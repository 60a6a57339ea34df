import { expect, test } from 'vitest'
import { type ClassContent, Classes } from '../../../src/policy/compile/classes.ts'
import type { TraitId } from '../../../src/policy/compile/traits.ts'
import { WORLD } from '../../../src/policy/tables.ts'
import { port } from '../literals.ts'

function content(
  pod: number[],
  block: number[] = [],
  named: [number, number[]][] = [],
): ClassContent {
  return {
    podTraits: pod.map((id) => id as TraitId),
    blockTraits: block.map((id) => id as TraitId),
    namedPorts: new Map(named.map(([id, ports]) => [id as TraitId, ports.map(port)])),
  }
}

test('no traits at all is the world', () => {
  expect(new Classes(100).hold(content([])).id).toBe(WORLD)
})

test.each([
  ['pod traits', content([1]), content([1, 2])],
  ['block traits', content([1], [3]), content([1], [4])],
  ['named ports', content([1], [], [[5, [80]]]), content([1], [], [[5, [81]]])],
  ['which name has the port', content([], [], [[5, [80]]]), content([], [], [[6, [80]]])],
  ['digits of an id and ids', content([1, 2]), content([12])],
])('classes differ by %s', (_, one, other) => {
  const classes = new Classes(17)
  const held = classes.hold(one)
  expect(classes.hold(other).id).not.toBe(held.id)
  expect(classes.hold(one)).toBe(held)
})

test('a class lives as long as somebody holds it, and its id does not come back', () => {
  const classes = new Classes(17)
  const first = classes.hold(content([1]))
  expect(classes.hold(content([1]))).toBe(first)
  expect(classes.settle()).toEqual({ created: [first], retired: [] })
  classes.drop(first)
  expect(classes.settle()).toEqual({ created: [], retired: [] })
  classes.drop(first)
  expect(classes.settle()).toEqual({ created: [], retired: [first] })
  expect([...classes.having(1 as TraitId)]).toEqual([])
  expect(classes.hold(content([1])).id).toBeGreaterThan(first.id)
})

test('a class that is left and found again in one change stays', () => {
  const classes = new Classes(17)
  const held = classes.hold(content([1]))
  classes.settle()
  classes.drop(held)
  expect(classes.hold(content([1]))).toBe(held)
  expect(classes.settle()).toEqual({ created: [], retired: [] })
})

test('classes are found by any of their traits', () => {
  const classes = new Classes(17)
  const held = classes.hold(content([1], [2], [[3, [80]]]))
  for (const trait of [1, 2, 3]) expect([...classes.having(trait as TraitId)]).toEqual([held])
  expect([...classes.having(4 as TraitId)]).toEqual([])
})

test('ids go on above those of an earlier run, and never reach into the reserved ones', () => {
  expect(new Classes(500).hold(content([1])).id).toBe(500)
  expect(new Classes(0).hold(content([1])).id).toBe(17)
})
