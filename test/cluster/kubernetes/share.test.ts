import { expect, test } from 'vitest'
import type { JsonObject } from '../../../src/cluster/json.ts'
import { readObject } from '../../../src/cluster/kubernetes/read-object.ts'
import { PODS } from '../../../src/cluster/kubernetes/resources.ts'
import { createSharing } from '../../../src/cluster/kubernetes/share.ts'

function read(name: string, app: string, namespace = 'shop') {
  const containers = [{ ports: [{ name: 'http', containerPort: 8080 }] }]
  const object: JsonObject = {
    metadata: { name, namespace, labels: { app } },
    spec: { containers },
  }
  return readObject(PODS, object)
}

test('pods say the same as before, and keep once what they have in common', () => {
  const share = createSharing()
  const changes = [
    read('a', 'web'),
    read('b', 'web'),
    read('c', 'db'),
    read('d', 'db', 'other'),
    { kind: 'gone', subject: { object: 'pod', key: 'shop/a' } } as const,
  ]
  const shared = changes.map(share)
  expect(shared).toEqual(changes)
  const [a, b, c, d] = shared.map((change) => (change.kind === 'pod' ? change.pod : undefined))
  expect(b?.labels).toBe(a?.labels)
  expect(c?.labels).not.toBe(b?.labels)
  expect(d?.labels).toBe(c?.labels)
  expect(new Set([a, b, c, d].map((pod) => pod?.namedPorts)).size).toBe(1)
})
