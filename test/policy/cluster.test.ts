import { expect, test } from 'vitest'
import { clusterOf } from '../../src/policy/cluster.ts'
import type { ClusterEvent, Pod } from '../../src/policy/model.ts'
import { EVERYTHING } from '../../src/policy/selector.ts'
import { address } from './literals.ts'

const web: Pod = {
  namespace: 'a',
  name: 'web',
  uid: '1',
  labels: new Map(),
  addresses: [address('10.0.0.1')],
  namedPorts: [],
  createdAt: 0,
  node: 'n1',
  local: false,
}
const policy = {
  namespace: 'a',
  name: 'p',
  podSelector: EVERYTHING,
  ingress: [],
  egress: undefined,
}
const namespace = { name: 'a', labels: new Map<string, string>() }

const added: readonly ClusterEvent[] = [
  { kind: 'namespace', namespace },
  { kind: 'pod', pod: web },
  { kind: 'policy', policy },
  { kind: 'node', name: 'n1', addresses: web.addresses },
]

test('objects are there until they go', () => {
  const cluster = clusterOf(added)
  expect([...cluster.namespaces]).toEqual([['a', namespace]])
  expect([...cluster.pods]).toEqual([['a/web', web]])
  expect([...cluster.policies]).toEqual([['a/p', policy]])
  expect([...cluster.nodes]).toEqual([['n1', web.addresses]])
  const empty = clusterOf([
    ...added,
    { kind: 'namespaceGone', name: 'a' },
    { kind: 'podGone', key: 'a/web' },
    { kind: 'policyGone', key: 'a/p' },
    { kind: 'nodeGone', name: 'n1' },
  ])
  expect(Object.values(empty).map((objects: ReadonlyMap<string, unknown>) => objects.size)).toEqual(
    [0, 0, 0, 0],
  )
})

test('the last version of an object counts; what never was may go', () => {
  const moved = { ...web, uid: '2' }
  const cluster = clusterOf([
    { kind: 'podGone', key: 'a/web' },
    ...added,
    { kind: 'pod', pod: moved },
    { kind: 'policyGone', key: 'b/p' },
  ])
  expect(cluster.pods.get('a/web')).toBe(moved)
  expect(cluster.policies.size).toBe(1)
})
