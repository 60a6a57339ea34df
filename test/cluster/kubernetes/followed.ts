import { expect, onTestFinished, vi } from 'vitest'
import { KUBERNETES_SYSTEM } from '../../../src/agent/kubernetes-system.ts'
import type { JsonObject } from '../../../src/cluster/json.ts'
import { readObject } from '../../../src/cluster/kubernetes/read-object.ts'
import { RESOURCES } from '../../../src/cluster/kubernetes/resources.ts'
import { openKubernetesSource } from '../../../src/cluster/kubernetes/source.ts'
import type { KubernetesSystem } from '../../../src/cluster/kubernetes/system.ts'
import type { SourceChange } from '../../../src/cluster/source-change.ts'
import { ClusterState } from '../../../src/cluster/state.ts'
import type { Cluster } from '../../../src/policy/cluster.ts'
import { ApiServer, type ApiServerOptions } from './api-server.ts'

/** A hundred times as fast: a back-off takes milliseconds, a watch is quiet for too long after 1.5 s. */
export const HASTY: KubernetesSystem = {
  ...KUBERNETES_SYSTEM,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / 100),
}

export interface Followed {
  readonly source: ReturnType<typeof openKubernetesSource>
  readonly state: ClusterState
  readonly errors: string[]
  readonly changes: SourceChange[]
}

/** A source at the server, and the cluster state that it keeps up to date. */
export function follow({ url }: Pick<ApiServer, 'url'>, system = HASTY): Followed {
  const state = new ClusterState()
  const errors: string[] = []
  const changes: SourceChange[] = []
  const source = openKubernetesSource({
    credentials: {
      current: () => Promise.resolve({ server: url, token: 'secret', tls: {} }),
      expire: () => undefined,
    },
    system,
    onChanges: (batch) => {
      changes.push(...batch)
      state.apply(batch)
    },
    onError: ({ message }) => errors.push(message),
  })
  return { source, state, errors, changes }
}

/** A server for the length of a test. */
export async function startServer(options?: ApiServerOptions): Promise<ApiServer> {
  const server = new ApiServer(options)
  await server.start()
  onTestFinished(() => server.stop())
  return server
}

/** A server with these objects, followed for the length of a test. */
export function followForTest(server: ApiServer, system?: KubernetesSystem): Followed {
  const followed = follow(server, system)
  onTestFinished(() => followed.source.close())
  return followed
}

/** The cluster that the objects of the server describe. */
function clusterOnServer({ store }: Pick<ApiServer, 'store'>): Cluster {
  const state = new ClusterState()
  for (const resource of RESOURCES) {
    for (const text of store.all(resource.path)) {
      const object: JsonObject = JSON.parse(text)
      state.apply([readObject(resource, object)])
    }
  }
  return state.cluster
}

/** Until the state is that of the server. */
export async function converged(
  server: ApiServer,
  { state }: Followed,
  timeout = 10_000,
): Promise<void> {
  const wanted = clusterOnServer(server)
  await vi.waitFor(() => expect(state.cluster).toEqual(wanted), { timeout, interval: 2 })
}
