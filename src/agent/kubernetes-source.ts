import { readFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import { inClusterCredentials } from '../cluster/kubernetes/in-cluster.ts'
import { kubeconfigCredentials } from '../cluster/kubernetes/kubeconfig.ts'
import { openKubernetesSource as follow } from '../cluster/kubernetes/source.ts'
import type { KubernetesSystem } from '../cluster/kubernetes/system.ts'
import type { SourceChange } from '../cluster/source-change.ts'
import type { AgentSource, OwnNode, Tell } from './source.ts'

export interface KubernetesSourceOptions {
  /** Undefined: the service account that Kubernetes gives to this pod. */
  readonly kubeconfig: string | undefined
  readonly node: string
  readonly log: Logger
}

const system: KubernetesSystem = {
  http,
  https,
  readFile,
  setTimeout,
  clearTimeout,
  yieldToOthers: () => setImmediate(),
  now: Date.now,
  random: Math.random,
}

/** Follows the Kubernetes API. @throws {Error} where there is neither a kubeconfig nor a service account */
export function openKubernetesSource(
  { kubeconfig, node, log }: KubernetesSourceOptions,
  tell: Tell,
): AgentSource {
  const credentials =
    kubeconfig === undefined
      ? inClusterCredentials({ system, env: process.env })
      : kubeconfigCredentials({ system, path: kubeconfig })
  let own: OwnNode = { podCidrs: [], addresses: [] }
  const source = follow({
    credentials,
    system,
    onChanges: (changes) => {
      own = changes.reduce((before, change) => ownNodeIn(change, node) ?? before, own)
      return tell((state) => state.apply(changes))
    },
    onError: (error) => log.warn({ event: 'source.failed', err: error }, error.message),
  })
  return {
    synced: source.synced,
    lookUp: ({ pod }) => source.getPod(pod.namespace, pod.name),
    ownNode: () => own,
    problems: () =>
      source.status().flatMap(({ path, failure }) => (failure ? [`${path}: ${failure}`] : [])),
    close: () => source.close(),
  }
}

function ownNodeIn(change: SourceChange, node: string): OwnNode | undefined {
  if (change.kind !== 'node' || change.name !== node) return undefined
  return { podCidrs: change.podCidrs ?? [], addresses: change.addresses }
}
