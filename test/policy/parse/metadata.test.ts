import { describe, expect, test } from 'vitest'
import { parseObject } from '../../../src/policy/parse.ts'

const reject = { unknownFields: 'reject' } as const
const NET = 'networking.k8s.io/v1'

describe('names', () => {
  const named = (kind: string, metadata: unknown) =>
    parseObject({ apiVersion: kind === 'NetworkPolicy' ? NET : 'v1', kind, metadata }, reject)

  test.each([
    ['NetworkPolicy', { name: 'a.b-c' }, 'policy'],
    ['NetworkPolicy', { name: 'A' }, 'invalid'],
    ['NetworkPolicy', { name: 'a'.repeat(253) }, 'policy'],
    ['NetworkPolicy', { name: 'a'.repeat(254) }, 'invalid'],
    ['NetworkPolicy', { name: 'a', namespace: 'b' }, 'policy'],
    ['NetworkPolicy', { name: 'a', namespace: 'b.c' }, 'invalid'],
    ['NetworkPolicy', { name: 'a', namespace: '../b' }, 'invalid'],
    ['Pod', { name: 'a.b' }, 'pod'],
    ['Pod', { name: 'a/b' }, 'invalid'],
    ['Pod', { name: '-a' }, 'invalid'],
    ['Pod', { name: 'a\n' }, 'invalid'],
    ['Pod', { name: 5 }, 'invalid'],
    ['Pod', {}, 'invalid'],
    ['Pod', { generateName: 'a-' }, 'invalid'],
    ['Namespace', { name: 'a' }, 'namespace'],
    ['Namespace', { name: 'a.b' }, 'invalid'],
    ['Namespace', { name: 'a'.repeat(63) }, 'namespace'],
    ['Namespace', { name: 'a'.repeat(64) }, 'invalid'],
  ])('%s %j is %s', (kind, metadata, expected) => {
    expect(named(kind, metadata).kind).toBe(expected)
  })

  test.each([[undefined], [null], ['']])('namespace %j is default', (namespace) => {
    expect(named('Pod', { name: 'a', namespace })).toMatchObject({
      pod: { namespace: 'default', name: 'a' },
    })
  })
})

describe('labels', () => {
  const labelled = (labels: unknown) =>
    parseObject({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', labels } }, reject)
  const problems = (labels: unknown) => {
    const parsed = labelled(labels)
    return parsed.kind === 'invalid' ? parsed.problems.map(({ message }) => message) : []
  }

  test('values are strings: what YAML reads otherwise is told to be quoted', () => {
    expect(problems({ on: true })).toEqual([
      'must be a string, not the boolean true: put it in quotes',
    ])
    expect(problems({ version: 1.5 })).toEqual([
      'must be a string, not the number 1.5: put it in quotes',
    ])
    expect(problems({ a: {} })).toEqual(['must be a string, not an object'])
    expect(problems(['a'])).toEqual(['must be an object, not a list'])
  })

  test('null is the empty value', () => {
    const parsed = labelled({ a: null })
    expect(parsed.kind === 'namespace' && parsed.namespace.labels.get('a')).toBe('')
  })

  test.each(['a', 'A.b_c-d', 'example.com/a', 'a'.repeat(63), `${'a.'.repeat(126)}b/x`])(
    'key %j is fine',
    (key) => expect(problems({ [key]: '' })).toEqual([]),
  )
  test.each([
    '',
    '-a',
    'a-',
    'a b',
    'a/',
    '/a',
    'a/b/c',
    'A.com/x',
    'é',
    'a'.repeat(64),
    `${'a'.repeat(254)}/x`,
  ])('key %j is refused', (key) => expect(problems({ [key]: '' })).toHaveLength(1))
  test.each(['', 'a', 'A.b_c-d', '0', 'a'.repeat(63)])('value %j is fine', (value) =>
    expect(problems({ a: value })).toEqual([]),
  )
  test.each(['-', 'a-', '.a', 'a b', 'a/b', 'é', 'a\n', 'a'.repeat(64)])(
    'value %j is refused',
    (value) => expect(problems({ a: value })).toHaveLength(1),
  )

  test('a namespace has its name as a label, whatever it says', () => {
    const parsed = labelled({ 'kubernetes.io/metadata.name': 'other', a: 'b' })
    expect(parsed.kind === 'namespace' && parsed.namespace.labels).toEqual(
      new Map([
        ['a', 'b'],
        ['kubernetes.io/metadata.name', 'a'],
      ]),
    )
  })

  test('keys that mean something to JavaScript are only keys', () => {
    const labels: unknown = JSON.parse('{"__proto__": "x", "constructor": "y"}')
    expect(problems(labels)).toHaveLength(1)
    const parsed = labelled({ constructor: 'y', toString: 'z' })
    expect(parsed.kind === 'namespace' && parsed.namespace.labels.get('constructor')).toBe('y')
    const bare = labelled({})
    expect(bare.kind === 'namespace' && bare.namespace.labels.get('constructor')).toBeUndefined()
  })
})
