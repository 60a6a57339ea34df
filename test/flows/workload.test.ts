import { expect, test } from 'vitest'
import { workloadOf } from '../../src/flows/workload.ts'
import { podOf } from './pods.ts'

const HASH = { 'pod-template-hash': '7d4b9c6f5' }

test.each<[string | undefined, Record<string, string>, object | undefined]>([
  ['ReplicaSet/web-7d4b9c6f5', HASH, { kind: 'Deployment', name: 'web' }],
  ['ReplicaSet/a-b-7d4b9c6f5', HASH, { kind: 'Deployment', name: 'a-b' }],
  ['ReplicaSet/web-other', HASH, { kind: 'ReplicaSet', name: 'web-other' }],
  ['ReplicaSet/web-undefined', {}, { kind: 'ReplicaSet', name: 'web-undefined' }],
  ['StatefulSet/db', {}, { kind: 'StatefulSet', name: 'db' }],
  ['Deployment/web', {}, { kind: 'Deployment', name: 'web' }],
  [undefined, HASH, undefined],
])('of %s with %o', (controller, labels, expected) => {
  const pod = podOf({ labels: new Map(Object.entries(labels)) })
  expect(workloadOf(controller === undefined ? pod : { ...pod, controller })).toEqual(expected)
})
