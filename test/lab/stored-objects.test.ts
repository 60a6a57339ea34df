import * as fs from 'node:fs/promises'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readManifestFiles } from '../../src/cluster/files.ts'
import { MANIFEST_KINDS, readManifests } from '../../src/cluster/manifests.ts'
import type { Manifests } from '../../src/cluster/manifests.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import { addressPlan, nodeAddresses } from '../../src/lab/address-plan.ts'
import { LAB_ROOTS, labPaths } from '../../src/lab/lab-paths.ts'
import { planNodes } from '../../src/lab/lab-node.ts'
import type { LabPod } from '../../src/lab/lab-pod.ts'
import { planPods } from '../../src/lab/plan-pods.ts'
import { storedObjects } from '../../src/lab/stored-objects.ts'
import { address } from '../policy/literals.ts'

let directory: string
const paths = labPaths(LAB_ROOTS, 'stored')
const nodes = planNodes(['node-1', 'node-2'], addressPlan([4, 6]), paths, {
  sluice: ['sluice'],
  stopping: AbortSignal.abort(),
})

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-stored-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

async function read(text?: string): Promise<Manifests> {
  if (text !== undefined) writeFileSync(join(directory, 'objects.yaml'), text)
  return readManifests(await readManifestFiles(directory, fs), { nodes: ['node-1', 'node-2'] })
}

function plan(manifests: Manifests, running: readonly LabPod[] = []): LabPod[] {
  let uid = 0
  return planPods(manifests.pods, {
    nodes,
    paths,
    running: new Map(running.map((pod) => [pod.key, pod])),
    newUid: () => `new-${++uid}`,
  })
}

const PODS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
        - {name: once, ports: [{containerPort: 1}]}
        - {name: sidecar, restartPolicy: Always, ports: [{containerPort: 15000}]}
      containers:
        - {name: a, ports: [{name: http, containerPort: 80}, {containerPort: 80}]}
        - {name: b, ports: [{containerPort: 80, protocol: UDP}]}
---
apiVersion: v1
kind: Pod
metadata: {name: done}
spec: {containers: []}
status: {phase: Succeeded}
---
apiVersion: v1
kind: Pod
metadata: {name: proxy}
spec: {hostNetwork: true, nodeName: node-2, containers: []}
status: {podIPs: [{ip: 192.0.2.1}]}
`

describe('pods of the lab', () => {
  test('are spread over the nodes, with the ports that they declare', async () => {
    const pods = plan(await read(PODS))
    expect(pods.map(({ key, node, hostNetwork }) => [key, node, hostNetwork])).toEqual([
      ['shop/web-0', 'node-1', false],
      ['shop/web-1', 'node-2', false],
      ['default/proxy', 'node-2', true],
    ])
    expect(pods[0]?.ports).toEqual([
      { protocol: 'TCP', port: 80 },
      { protocol: 'UDP', port: 80 },
      { protocol: 'TCP', port: 15000 },
    ])
    expect(pods[0]?.netns).toBe('/run/netns/sluice-lab-stored-pod-shop.web-0')
    expect(pods[2]?.netns).toBe('/run/netns/sluice-lab-stored-node-node-2')
    expect(pods[2]?.addresses).toEqual(nodeAddresses(addressPlan([4, 6]), 1).own)
  })

  test('stay where they run, and are made anew where they must move', async () => {
    const first = plan(await read(PODS)).map((pod) => ({ ...pod, uid: `old ${pod.key}` }))
    const moved = PODS.replace(
      'spec: {hostNetwork: true, nodeName: node-2',
      'spec: {nodeName: node-1',
    )
    const again = plan(await read(moved), first.toReversed())
    expect(again.map(({ uid }) => uid)).toEqual(['old shop/web-0', 'old shop/web-1', 'new-1'])
  })

  test('are stored with node, uid and addresses, and nothing of what files said of these', async () => {
    const manifests = await read(PODS)
    const pods = plan(manifests).map((pod) => {
      return pod.key === 'shop/web-0' ? { ...pod, addresses: [address('10.244.0.2')] } : pod
    })
    const stored = await read(storedObjects(manifests, pods))
    expect(stored.problems).toEqual([])
    expect(stored.pods.map(({ pod }) => [pod.name, pod.node, pod.uid, pod.addresses])).toEqual([
      ['web-0', 'node-1', 'new-1', [address('10.244.0.2')]],
      ['web-1', 'node-2', 'new-2', []],
      ['proxy', 'node-2', 'new-3', []],
    ])
    expect(stored.pods[2]?.pod.addressless).toBe('hostNetwork')
    expect(stored.pods[0]?.pod.labels).toEqual(new Map([['app', 'web']]))
  })
})

const header = (name: string) =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: shop}\n`

describe('policies and namespaces', () => {
  test.each([
    ['valid', `${header('a')}spec: {podSelector: {matchLabels: {a: b}}, ingress: [{}]}`],
    ['invalid', `${header('a')}spec: {podSelector: {matchLabels: {a: b}}, ingres: [{}]}`],
    ['invalid selector', `${header('a')}spec: {podSelector: {matchLabel: {a: b}}}`],
    ['malformed', `${header('a')}spec: {podSelector: {matchLabels: {a: b}}, ingress: [}`],
    [
      'too large',
      `${header('a')}spec: {podSelector: {matchLabels: {a: b}}}\nx: ${'y'.repeat(3 << 20)}`,
    ],
    ['a duplicate', `${header('a')}spec: {}\n---\n${header('a')}spec: {ingress: [{}]}`],
    ['a namespace', 'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: "1"}}'],
    [
      'an invalid namespace',
      'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: 1}}',
    ],
  ])('%s: agents come to the same as whoever reads the files', async (_name, text) => {
    const manifests = await read(text)
    const fromFiles = new ClusterState()
    fromFiles.replace(MANIFEST_KINDS, manifests.changes)
    const fromStore = new ClusterState()
    fromStore.replace(MANIFEST_KINDS, (await read(storedObjects(manifests, []))).changes)
    const shape = ({ cluster }: ClusterState) => ({
      namespaces: cluster.namespaces,
      policies: [...cluster.policies.values()].map(({ invalid, ...policy }) => ({
        ...policy,
        isInvalid: invalid !== undefined,
      })),
    })
    expect(shape(fromStore)).toEqual(shape(fromFiles))
    expect(fromFiles.cluster.policies.size + fromFiles.cluster.namespaces.size).toBeGreaterThan(0)
  })
})
