import type { SourceChange } from '../../src/cluster/source-change.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import type { Namespace, NamedPort, Pod } from '../../src/policy/model.ts'
import { policyAt, portOf } from './policies.ts'

export interface ClusterSize {
  readonly pods: number
  readonly policies: number
}

/** The node whose tables are kept. */
export const BENCH_NODE = 'node-0'

/** As on a full node: kubelet's default is 110. */
const PODS_PER_NODE = 100
const PODS_PER_NAMESPACE = 50
export const APPS_PER_NAMESPACE = 10
export const TEAMS = 20
const TIERS = ['frontend', 'backend', 'data'] as const

const NAMED_PORTS: readonly NamedPort[] = [
  { name: 'http', protocol: 'TCP', port: portOf(8080) },
  { name: 'metrics', protocol: 'TCP', port: portOf(9090) },
]

/**
 * A cluster like those that people run: namespaces of teams with ten applications of five pods each, dual stack,
 * a hundred pods on every node, those of an application on different ones. The same for the same size.
 */
export function clusterAt(size: ClusterSize): SourceChange[] {
  const namespaces = namespacesOf(size)
  return [
    ...numbers(namespaces).map((index) => namespaceChange(namespaceAt(index))),
    ...numbers(size.policies).map((index) => ({
      kind: 'policy' as const,
      policy: policyAt(index, namespaces),
    })),
    ...numbers(size.pods).map((index) => podChange(podAt(size, index))),
  ]
}

export function namespacesOf({ pods }: ClusterSize): number {
  return Math.ceil(pods / PODS_PER_NAMESPACE)
}

export function namespaceAt(index: number, team: string = `team-${index % TEAMS}`): Namespace {
  const name = `ns-${index}`
  const stage = index % 4 === 0 ? 'staging' : 'production'
  const labels = { 'kubernetes.io/metadata.name': name, team, stage }
  return { name, labels: new Map(Object.entries(labels)) }
}

/** From `size.pods` on: pods that come later, to applications that are there and on other nodes than ours. */
export function podAt(size: ClusterSize, index: number): Pod {
  const isGuest = index >= size.pods
  // A prime step, so that those who come one after the other do not come to the same application.
  const place = isGuest ? (index * 7919) % size.pods : index
  const namespace = `ns-${Math.floor(place / PODS_PER_NAMESPACE)}`
  const app = Math.floor((place % PODS_PER_NAMESPACE) / 5)
  const node = isGuest ? 'node-new' : nodeOf(size, index)
  return {
    namespace,
    name: `app-${app}-6d4cf56db6-${index.toString(36).padStart(5, 'x')}`,
    uid: `7c9e6679-7425-40de-944b-${String(index).padStart(12, '0')}`,
    labels: labelsOf(app),
    addresses: [ip4(0x0a80_0000 + index), ip6((0xfd00_0010n << 96n) + BigInt(index))],
    namedPorts: NAMED_PORTS,
    createdAt: 1_780_000_000_000 + index,
    node,
    local: false,
  }
}

/** What its own controllers and people put on a pod. */
function labelsOf(app: number): Pod['labels'] {
  const tier = TIERS[app % TIERS.length] ?? ''
  const hash = { 'pod-template-hash': '6d4cf56db6' }
  return new Map(Object.entries({ app: `app-${app}`, tier, version: 'v1', ...hash }))
}

/** Every block of as many pods as there are nodes has one on each, another one each time. */
function nodeOf({ pods }: ClusterSize, index: number): string {
  const nodes = Math.max(1, Math.floor(pods / PODS_PER_NODE))
  return `node-${(index + 13 * Math.floor(index / nodes)) % nodes}`
}

export function namespaceChange(namespace: Namespace): SourceChange {
  return { kind: 'namespace', namespace }
}

export function podChange(pod: Pod): SourceChange {
  return { kind: 'pod', pod }
}

/** From 0 on. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
