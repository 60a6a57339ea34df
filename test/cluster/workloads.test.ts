import { describe, expect, test } from 'vitest'
import { type JsonObject, objectAt, textAt } from '../../src/cluster/json.ts'
import { expandWorkload } from '../../src/cluster/workloads.ts'

const template = {
  metadata: { name: 'ignored', namespace: 'ignored', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] },
}

function workload(apiVersion: string, kind: string, spec: JsonObject): JsonObject {
  return { apiVersion, kind, metadata: { name: 'web', namespace: 'shop' }, spec }
}

function names(object: JsonObject, nodes: readonly string[] = []): unknown {
  const expansion = expandWorkload(object, nodes)
  if (expansion?.kind !== 'pods') return expansion
  return expansion.pods.map(({ value }) => textAt(objectAt(value, 'metadata'), 'name'))
}

describe('how many pods', () => {
  test.each([
    ['Deployment', 'apps/v1', {}, 1],
    ['Deployment', 'apps/v1', { replicas: 3 }, 3],
    ['Deployment', 'apps/v1', { replicas: 0 }, 0],
    ['Deployment', 'apps/v1', { replicas: null }, 1],
    ['StatefulSet', 'apps/v1', { replicas: 2 }, 2],
    ['ReplicaSet', 'apps/v1', { replicas: 2 }, 2],
    ['Job', 'batch/v1', {}, 1],
    ['Job', 'batch/v1', { completions: 5 }, 1],
    ['Job', 'batch/v1', { parallelism: 3 }, 3],
    ['Job', 'batch/v1', { parallelism: 3, completions: 2 }, 2],
    ['DaemonSet', 'apps/v1', {}, 1],
  ])('%s of %s with %j has %d', (kind, apiVersion, spec, count) => {
    const expected = Array.from({ length: count }, (_, at) => `web-${at}`)
    expect(names(workload(apiVersion, kind, { ...spec, template }))).toEqual(expected)
  })

  test('a CronJob has those of its job', () => {
    const spec = { jobTemplate: { spec: { parallelism: 2, template } } }
    expect(names(workload('batch/v1', 'CronJob', spec))).toEqual(['web-0', 'web-1'])
  })
})

test('a pod has the labels of the template and the namespace of the workload', () => {
  const expansion = expandWorkload(workload('apps/v1', 'Deployment', { template }), [])
  expect(expansion).toEqual({
    kind: 'pods',
    pods: [
      {
        template: 'spec.template',
        value: {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: {
            name: 'web-0',
            namespace: 'shop',
            labels: { app: 'web' },
            ownerReferences: [
              { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', controller: true },
            ],
          },
          spec: template.spec,
        },
      },
    ],
  })
})

test('a DaemonSet has a pod on each node', () => {
  const expansion = expandWorkload(workload('apps/v1', 'DaemonSet', { template }), ['n1', 'n2'])
  expect(expansion).toMatchObject({
    pods: [
      { value: { metadata: { name: 'web-0' }, spec: { nodeName: 'n1' } } },
      { value: { metadata: { name: 'web-1' }, spec: { nodeName: 'n2' } } },
    ],
  })
})

test.each([
  ['Service', 'v1'],
  ['Deployment', 'apps/v1beta1'],
  ['Deployment', 'example.com/v1'],
  ['Job', 'apps/v1'],
])('%s of %s is none of ours', (kind, apiVersion) => {
  expect(expandWorkload(workload(apiVersion, kind, { template }), [])).toBeUndefined()
})

describe('what cannot be expanded', () => {
  const range = 'must be a whole number from 0 to 10000, not'
  test.each([
    ['Deployment', { replicas: '3', template }, 'spec.replicas', `${range} "3"`],
    ['Deployment', { replicas: -1, template }, 'spec.replicas', `${range} -1`],
    ['Deployment', { replicas: 1.5, template }, 'spec.replicas', `${range} 1.5`],
    ['Deployment', { replicas: 2_000_000_000, template }, 'spec.replicas', `${range} 2000000000`],
    ['Deployment', {}, 'spec.template', 'is required'],
    ['Deployment', { template: [] }, 'spec.template', 'is required'],
  ])('%s %j', (kind, spec, path, message) => {
    expect(expandWorkload(workload('apps/v1', kind, spec), [])).toEqual({
      kind: 'invalid',
      path,
      message,
    })
  })

  test('a workload without a name', () => {
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', spec: { template } }
    expect(expandWorkload(object, [])).toMatchObject({ kind: 'invalid', path: 'metadata.name' })
  })
})
