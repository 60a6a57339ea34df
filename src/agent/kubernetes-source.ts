import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import { inClusterCredentials } from '../cluster/kubernetes/in-cluster.ts'
import { kubeconfigCredentials } from '../cluster/kubernetes/kubeconfig.ts'
import { openKubernetesSource as follow } from '../cluster/kubernetes/source.ts'
import type { SourceChange } from '../cluster/source-change.ts'
import { KUBERNETES_SYSTEM as system } from './kubernetes-system.ts'
import { sourcePolicyOf } from './source-policy-of.ts'
import type { AgentSource, ClusterNode, Tell } from './source.ts'

export interface KubernetesSourceOptions {
  /** Undefined: the service account that Kubernetes gives to this pod. */
  readonly kubeconfig: string | undefined
  readonly log: Logger
  /** Addresses or ranges of some node have changed. */
  readonly onNodes: () => void
}

/** Follows the Kubernetes API. @throws {Error} where there is neither a kubeconfig nor a service account */
export function openKubernetesSource(
  { kubeconfig, log, onNodes }: KubernetesSourceOptions,
  tell: Tell,
): AgentSource {
  const credentials =
    kubeconfig === undefined
      ? inClusterCredentials({ system, env: process.env })
      : kubeconfigCredentials({ system, path: kubeconfig })
  const nodes = new Map<string, ClusterNode>()
  const source = follow({
    credentials,
    system,
    onChanges: (changes) => {
      if (changes.filter((change) => recordNode(nodes, change)).length > 0) onNodes()
      return tell((state) => state.apply(changes))
    },
    onError: (error) => log.warn({ event: 'source.failed', err: error }, error.message),
  })
  return {
    synced: source.synced,
    lookUp: ({ pod }) => source.getPod(pod.namespace, pod.name),
    policyNow: async (key) => {
      const [namespace = '', name = ''] = key.split('/')
      return sourcePolicyOf(await source.getPolicy(namespace, name))
    },
    nodes: () => nodes,
    placeOf: () => ({}),
    problems: () =>
      source.status().flatMap(({ path, failure }) => (failure ? [`${path}: ${failure}`] : [])),
    close: () => source.close(),
  }
}

/** @returns whether that was news: nodes report their health every few seconds. */
function recordNode(nodes: Map<string, ClusterNode>, change: SourceChange): boolean {
  if (change.kind === 'gone' && change.subject.object === 'node') {
    return nodes.delete(change.subject.key)
  }
  if (change.kind !== 'node') return false
  const { name, addresses, podCidrs = [] } = change
  if (isDeepStrictEqual(nodes.get(name), { podCidrs, addresses })) return false
  nodes.set(name, { podCidrs, addresses })
  return true
}
