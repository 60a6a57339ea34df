import { CoreV1Api, KubeConfig, makeInformer, type V1Pod } from '@kubernetes/client-node'
import { expect, onTestFinished, test, vi } from 'vitest'
import { formatAddress } from '../../../src/policy/address.ts'
import type { ApiServer } from './api-server.ts'
import { converged, followForTest, type Followed, startServer } from './followed.ts'
import { namespace, NAMESPACES, pod, PODS } from './objects.ts'

/** The library takes plain HTTP only where no certificate is verified. */
function libraryConfig(server: ApiServer): KubeConfig {
  const config = new KubeConfig()
  const cluster = { name: 'c', server: server.url.origin, skipTLSVerify: true }
  config.loadFromClusterAndUser(cluster, { name: 'u', token: 'secret' })
  return config
}

type Seen = Record<string, { labels: object; addresses: readonly string[] }>

function seenByLibrary(pods: readonly V1Pod[]): Seen {
  return Object.fromEntries(
    pods.map(({ metadata, status }) => [
      `${metadata?.namespace}/${metadata?.name}`,
      {
        labels: metadata?.labels ?? {},
        addresses: (status?.podIPs ?? []).map(({ ip }) => ip),
      },
    ]),
  )
}

function seenBySource({ state }: Followed): Seen {
  return Object.fromEntries(
    [...state.cluster.pods].map(([key, { labels, addresses }]) => [
      key,
      {
        labels: Object.fromEntries(labels),
        addresses: addresses.map(formatAddress),
      },
    ]),
  )
}

test("the library's list and informer see the same pods as the source", async () => {
  const server = await startServer()
  const { store } = server
  store.put(NAMESPACES, namespace('shop'))
  for (let index = 1; index <= 20; index++) {
    store.put(PODS, pod(`web-${index}`, { app: 'web' }, `10.244.0.${index}`))
  }
  const config = libraryConfig(server)
  const api = config.makeApiClient(CoreV1Api)
  const list = () => api.listPodForAllNamespaces()
  const informer = makeInformer(config, PODS, list)
  onTestFinished(() => informer.stop())
  await informer.start()
  const followed = followForTest(server)
  await followed.source.synced
  await vi.waitFor(() => expect(server.watching).toBe(5))

  store.put(PODS, pod('web-1', { app: 'other', tier: 'b' }, '10.244.0.1'))
  store.put(PODS, pod('web-2', { app: 'web' }, 'fd00::2'))
  store.delete(PODS, 'shop', 'web-3')
  store.put(PODS, pod('late'))
  store.put(PODS, pod('web-3', { again: 'yes' }, '10.244.0.103'))
  await converged(server, followed)

  const seen = seenBySource(followed)
  expect(Object.keys(seen)).toHaveLength(21)
  expect(seenByLibrary((await list()).items)).toEqual(seen)
  await vi.waitFor(() => expect(seenByLibrary(informer.list())).toEqual(seen))
})
