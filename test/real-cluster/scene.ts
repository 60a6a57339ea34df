import type { Cluster } from './cluster.ts'
import { type NodeName, TOOLS_IMAGE } from './plan.ts'
import { until } from './until.ts'

export type Labels = Readonly<Record<string, string>>

export interface PodPlan {
  readonly name: string
  /** The scheduler's choice without. */
  readonly node?: NodeName
  readonly labels?: Labels
  /** Whether it is Ready only once kubelet reaches it over the network. */
  readonly probed?: boolean
}

/** What every pod of the tests serves: HTTP that names the pod and the caller, and UDP that names the pod. */
export const HTTP_PORT = 8080
export const UDP_PORT = 8081

/** What became of a connection attempt. */
export type Answer = 'open' | 'refused' | 'timeout' | 'unreachable'

const READY_TIMEOUT = '60s'

/** A namespace of the cluster with what a test puts into it. */
export class Scene {
  readonly namespace: string
  readonly #cluster: Cluster

  private constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster
    this.namespace = namespace
  }

  static async open(cluster: Cluster, namespace: string, labels: Labels = {}): Promise<Scene> {
    const scene = new Scene(cluster, namespace)
    await scene.apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } },
    ])
    // Pods are refused until the namespace has its account.
    await until(`${namespace} has its service account`, 30_000, async () => {
      return (
        (await scene.kubectl(['get', 'serviceaccount', 'default', '--ignore-not-found'])) !== ''
      )
    })
    return scene
  }

  kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.#cluster.kubectl([`--namespace=${this.namespace}`, ...args], input)
  }

  async apply(objects: readonly object[]): Promise<void> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects }
    await this.kubectl(['apply', '-f', '-'], JSON.stringify(list))
  }

  /** Makes pods and waits until they are Ready. */
  async run(plans: readonly PodPlan[]): Promise<void> {
    await this.apply(plans.map(podOf))
    await this.untilReady(plans.map(({ name }) => name))
  }

  async untilReady(names: readonly string[]): Promise<void> {
    const pods = names.map((name) => `pod/${name}`)
    await this.kubectl(['wait', '--for=condition=Ready', `--timeout=${READY_TIMEOUT}`, ...pods])
  }

  async ipOf(pod: string): Promise<string> {
    return await this.kubectl(['get', 'pod', pod, '-o=jsonpath={.status.podIP}'])
  }

  /** What a program prints that runs in a pod. */
  exec(pod: string, argv: readonly string[]): Promise<string> {
    return this.kubectl(['exec', pod, '--', ...argv])
  }

  /** Tries one TCP connection. */
  async connect(pod: string, host: string, port: number): Promise<Answer> {
    const argv = ['agnhost', 'connect', `${host}:${port}`, '--timeout=1s']
    const failure = await this.exec(pod, argv).then(
      () => undefined,
      (error: Error) => error,
    )
    if (failure === undefined) return 'open'
    if (failure.message.includes('TIMEOUT')) return 'timeout'
    if (failure.message.includes('REFUSED')) return 'refused'
    if (failure.message.includes('no route to host')) return 'unreachable'
    throw failure
  }

  /** A page of another pod's server, such as `hostname` and `clientip`. Rejects after 3 seconds. */
  fetch(pod: string, host: string, page: string, port: number = HTTP_PORT): Promise<string> {
    const url = `http://${host}:${port}/${page}`
    return this.exec(pod, ['timeout', '3', 'wget', '-q', '-O-', url])
  }

  /** Which pod answers a datagram; '' when none does. */
  async askByUdp(pod: string, host: string, port: number = UDP_PORT): Promise<string> {
    const query = `host=${host}&port=${port}&protocol=udp&request=hostname&tries=1`
    const answer: unknown = JSON.parse(await this.fetch(pod, '127.0.0.1', `dial?${query}`))
    const responses = answer instanceof Object && 'responses' in answer ? answer.responses : []
    return Array.isArray(responses) ? `${responses[0] ?? ''}` : ''
  }

  /** Removes the namespace and all that is in it. */
  async close(): Promise<void> {
    await this.#cluster.kubectl(['delete', 'namespace', this.namespace, '--timeout=120s'])
  }
}

export function podOf(plan: PodPlan): object {
  const { name, labels = {} } = plan
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: podSpec(plan),
  }
}

/** The `spec` of a pod, also for the templates of workloads. */
export function podSpec({ node, probed = false }: Omit<PodPlan, 'name'>): object {
  const readinessProbe = { httpGet: { path: '/healthz', port: HTTP_PORT }, periodSeconds: 1 }
  return {
    ...(node && { nodeName: node }),
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // There is no DNS server in this cluster.
    dnsPolicy: 'Default',
    containers: [
      {
        name: 'server',
        image: TOOLS_IMAGE,
        command: ['agnhost', 'netexec', `--http-port=${HTTP_PORT}`, `--udp-port=${UDP_PORT}`],
        ports: [
          { name: 'http', containerPort: HTTP_PORT },
          { name: 'names', containerPort: UDP_PORT, protocol: 'UDP' },
        ],
        ...(probed && { readinessProbe }),
      },
    ],
  }
}

/** A NetworkPolicy of the scene's namespace, for all of its pods unless the `spec` says otherwise. */
export function policyOf(name: string, spec: object): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name },
    spec: { podSelector: {}, ...spec },
  }
}
