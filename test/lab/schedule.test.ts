import { describe, expect, test } from 'vitest'
import type { ManifestPod } from '../../src/cluster/interpret.ts'
import { nodeNames, schedule } from '../../src/lab/schedule.ts'

function pod(name: string, node = ''): ManifestPod {
  const labels = new Map<string, string>()
  const base = { namespace: 'a', uid: '', labels, addresses: [], namedPorts: [], createdAt: 0 }
  return { pod: { ...base, name, node, local: false }, value: {} }
}

describe('nodeNames', () => {
  test('are numbered, and those that pods ask for come in', () => {
    expect(nodeNames([], 2)).toEqual(['node-1', 'node-2'])
    expect(nodeNames([pod('x', 'node-2')], 2)).toEqual(['node-1', 'node-2'])
    expect(nodeNames([pod('x', 'zeus'), pod('y', 'zeus')], 2)).toEqual(['node-1', 'zeus'])
    expect(nodeNames([pod('x', 'b'), pod('y', 'a'), pod('z', 'c')], 1)).toEqual(['a', 'b', 'c'])
    expect(nodeNames([], 11).at(-1)).toBe('node-11')
  })
})

describe('schedule', () => {
  test('spreads pods in turn around those that ask for a node or run already', () => {
    const pods = [pod('w'), pod('x', 'n2'), pod('y'), pod('v'), pod('z')]
    expect([...schedule(pods, ['n1', 'n2'], new Map([['a/v', 'n2']]))]).toEqual([
      ['a/w', 'n1'],
      ['a/x', 'n2'],
      ['a/y', 'n2'],
      ['a/v', 'n2'],
      ['a/z', 'n1'],
    ])
  })

  test('names the pod whose node is missing', () => {
    expect(() => schedule([pod('x', 'n3')], ['n1'], new Map())).toThrow(
      'Pod a/x asks for the node n3, which this lab does not have.',
    )
  })
})
