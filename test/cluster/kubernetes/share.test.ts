import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../../src/cluster/json.ts'
import { readObject } from '../../../src/cluster/kubernetes/read-object.ts'
import { PODS } from '../../../src/cluster/kubernetes/resources.ts'
import { createSharing } from '../../../src/cluster/kubernetes/share.ts'
import type { SourceChange } from '../../../src/cluster/source-change.ts'
import type { NetworkPolicy, Peer, Rule } from '../../../src/policy/model.ts'
import { makeSelector } from '../../../src/policy/selector.ts'
import { parseCidr } from '../../../src/policy/address.ts'
import { pod, policy } from '../../policy/arbitraries.ts'
import { check } from '../../policy/property.ts'

function read(name: string, app: string, namespace = 'shop') {
  const containers = [{ ports: [{ name: 'http', containerPort: 8080 }] }]
  const object: JsonObject = {
    metadata: { name, namespace, labels: { app } },
    spec: { containers },
  }
  return readObject(PODS, object)
}

function policyOf(name: string, ingress: readonly Rule[]): NetworkPolicy {
  return { namespace: 'shop', name, podSelector: app('web'), ingress, egress: undefined }
}

function app(value: string) {
  return makeSelector([{ key: 'app', operator: 'In', values: [value] }])
}

function fromApp(value: string): Peer {
  return { kind: 'pods', namespaces: 'own', pods: app(value) }
}

function blockPeer(text: string): Peer {
  const cidr = parseCidr(text)?.cidr
  if (cidr === undefined) throw new Error(`${text} is no block.`)
  return { kind: 'block', cidr, except: [] }
}

function sharedPolicies(policies: readonly NetworkPolicy[]): NetworkPolicy[] {
  const share = createSharing()
  return policies.flatMap((one) => {
    const shared = share({ kind: 'policy', policy: one })
    return shared.kind === 'policy' ? [shared.policy] : []
  })
}

describe('what objects have in common is kept once', () => {
  test('between pods', () => {
    const share = createSharing()
    const changes = [
      read('a', 'web'),
      read('b', 'web'),
      read('c', 'db'),
      read('d', 'db', 'other'),
      read('e', 'web'),
      { kind: 'gone', subject: { object: 'pod', key: 'shop/a' } } as const,
    ]
    const shared = changes.map(share)
    expect(shared).toEqual(changes)
    const [a, b, c, d, e] = shared.map((change) => (change.kind === 'pod' ? change.pod : undefined))
    expect(b?.labels).toBe(a?.labels)
    expect(c?.labels).not.toBe(b?.labels)
    expect(d?.labels).toBe(c?.labels)
    expect(e?.labels).toBe(a?.labels)
    expect(new Set([a, b, c, d, e].map((one) => one?.namedPorts)).size).toBe(1)
  })

  test('between policies', () => {
    const [a, b] = sharedPolicies([
      policyOf('a', [{ peers: [fromApp('db')], ports: 'all' }]),
      policyOf('b', [
        { peers: [fromApp('db')], ports: 'all' },
        { peers: [fromApp('db'), fromApp('web')], ports: [] },
      ]),
    ])
    expect(b?.podSelector).toBe(a?.podSelector)
    expect(b?.ingress?.[0]).toBe(a?.ingress?.[0])
    const [alone] = a?.ingress?.[0]?.peers ?? []
    const [first] = b?.ingress?.[1]?.peers ?? []
    expect(first).toBe(alone)
  })
})

test('blocks of two families whose numbers are the same are two peers', () => {
  const policies = ['0.0.0.0/0', '::/0'].map((text) =>
    policyOf('a', [{ peers: [blockPeer(text)], ports: 'all' }]),
  )
  expect(sharedPolicies(policies)).toEqual(policies)
})

test('more different objects than are remembered are told as they are', () => {
  const share = createSharing()
  const changes = Array.from({ length: 2500 }, (_, index) => read(`${index}`, `app-${index}`))
  expect(changes.map(share)).toEqual(changes)
})

test('objects say the same as before', () => {
  const changes = fc.array(
    fc.oneof(
      pod.map((one): SourceChange => ({ kind: 'pod', pod: one })),
      policy.map((one): SourceChange => ({ kind: 'policy', policy: one })),
    ),
  )
  const property = fc.property(changes, (told) => {
    const share = createSharing()
    expect(told.map(share)).toEqual(told)
  })
  check('sharing', 200, property)
})
