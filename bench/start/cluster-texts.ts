import { RESOURCES } from '../../src/cluster/kubernetes/resources.ts'
import { podText } from '../kubernetes-source/pod-text.ts'

export interface ClusterSize {
  readonly pods: number
  /** A tenth of the pods: each application has one. */
  readonly policies: number
}

/** By the path at which an API server has them. */
export type ObjectTexts = ReadonlyMap<string, readonly string[]>

/** The node that is started. */
export const BENCH_NODE = 'bench'
const POD_CIDRS = ['10.93.0.0/20', 'fd00:10:93::/64'] as const
/** Of the node. */
export const NODE_ADDRESS = '192.168.93.1'
/** Of the pods, as on a full node: kubelet allows 110. */
export const LOCAL_PODS = 100

const PODS_OF_APP = 10
/** As in `podText`. */
const APPS_OF_NAMESPACE = 50

/** A whole cluster as an API server tells it. */
export function clusterTexts({ pods, policies }: ClusterSize): ObjectTexts {
  const namespaces = Math.ceil(pods / PODS_OF_APP / APPS_OF_NAMESPACE)
  const texts: Readonly<Record<string, readonly string[]>> = {
    namespace: many(namespaces, (index) => JSON.stringify(namespaceObject(index))),
    node: [JSON.stringify(NODE_OBJECT)],
    policy: many(policies, (index) => JSON.stringify(policyObject(index))),
    pod: many(pods, (index) => (isLocal(index, pods) ? localText(index) : podText(index))),
  }
  return new Map(RESOURCES.map(({ object, path }) => [path, texts[object] ?? []]))
}

/** Every so many pods one is ours, so that they are of as many applications. */
function isLocal(index: number, pods: number): boolean {
  return index % (pods / LOCAL_PODS) === 0
}

/** As the scheduler leaves it: it gets its addresses here. */
function localText(index: number): string {
  return podText(index)
    .replace(/"nodeName":"[^"]*"/u, `"nodeName":"${BENCH_NODE}"`)
    .replace(/"podIP":"[^"]*","podIPs":\[[^\]]*\],/u, '')
}

const NODE_OBJECT = {
  metadata: { name: BENCH_NODE, resourceVersion: '1' },
  spec: { podCIDRs: POD_CIDRS },
  status: { addresses: [{ type: 'InternalIP', address: NODE_ADDRESS }] },
}

function namespaceObject(index: number): object {
  const stage = index % 4 === 0 ? 'staging' : 'production'
  return { metadata: { name: `team-${index}`, labels: { stage }, resourceVersion: `${index + 1}` } }
}

/** An application admits two others of its namespace and whoever scrapes metrics, and may use a few things. */
function policyObject(index: number): object {
  const first = index - (index % APPS_OF_NAMESPACE)
  const neighbour = (step: number): object => ({
    podSelector: { matchLabels: { app: `app-${first + ((index + step) % APPS_OF_NAMESPACE)}` } },
  })
  const team = Math.floor(index / APPS_OF_NAMESPACE)
  const monitoring = { 'kubernetes.io/metadata.name': 'team-0' }
  return {
    metadata: { name: `app-${index}`, namespace: `team-${team}`, resourceVersion: `${index + 1}` },
    spec: {
      podSelector: { matchLabels: { app: `app-${index}` } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: [neighbour(1), neighbour(2)], ports: [{ protocol: 'TCP', port: 'http' }] },
        {
          from: [{ namespaceSelector: { matchLabels: monitoring } }],
          ports: [{ protocol: 'TCP', port: 9000 + (index % 17) }],
        },
      ],
      egress: [
        { to: [neighbour(3)], ports: [{ protocol: 'TCP', port: 8080 }] },
        { to: [{ ipBlock: { cidr: `198.51.${index % 97}.0/24` } }] },
        { ports: [{ protocol: 'UDP', port: 53 }] },
      ],
    },
  }
}

function many(count: number, make: (index: number) => string): string[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
