import { expect, test } from 'vitest'
import { workloadOf } from '../../src/flows/workload.ts'
import { podOf } from './pods.ts'

test.each<[string, Record<string, string>, object | undefined]>([
  [
    'web-7d4b9c6f5-x2x9k',
    { 'pod-template-hash': '7d4b9c6f5' },
    { kind: 'Deployment', name: 'web' },
  ],
  ['a-b-55-abcde', { 'pod-template-hash': '55' }, { kind: 'Deployment', name: 'a-b' }],
  ['web-55-abcde', { 'pod-template-hash': '56' }, undefined],
  ['db-12', { 'statefulset.kubernetes.io/pod-name': 'db-12' }, { kind: 'StatefulSet', name: 'db' }],
  ['proxy-abc12', { 'controller-revision-hash': '9f' }, { kind: 'DaemonSet', name: 'proxy' }],
  ['backup-28-abc12', { 'job-name': 'backup-28' }, { kind: 'Job', name: 'backup-28' }],
  ['alone', {}, undefined],
  ['alone', { 'pod-template-hash': '7d4b9c6f5' }, undefined],
])('%s with %o', (name, labels, expected) => {
  expect(workloadOf(podOf({ name, labels: new Map(Object.entries(labels)) }))).toEqual(expected)
})
