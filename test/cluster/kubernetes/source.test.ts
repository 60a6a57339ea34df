import { describe, expect, test, vi } from 'vitest'
import { formatAddress, formatCidr } from '../../../src/policy/address.ts'
import type { ApiRequest, ApiServerOptions } from './api-server.ts'
import { converged, followForTest, startServer } from './followed.ts'
import { namespace, NAMESPACES, node, NODES, pod, PODS, POLICIES, policy } from './objects.ts'

const SERVERS: readonly (readonly [string, ApiServerOptions])[] = [
  ['streams lists', {}],
  ['lists in pages', { streamsLists: false }],
]

/** Requests about pods, as `verb version`. */
function asked(requests: readonly ApiRequest[]): string[] {
  return requests
    .filter(({ path }) => path === PODS)
    .map(({ verb, query }) => [verb, query.get('resourceVersion')].filter(Boolean).join(' '))
}

describe.each(SERVERS)('a server that %s', (_, options) => {
  test('all kinds are told, and every change after that', async () => {
    const server = await startServer(options)
    const { store } = server
    store.put(NAMESPACES, namespace('shop', { team: 'a' }))
    store.put(NODES, node('n1', ['10.0.0.1', 'fd00::1'], ['10.244.1.0/24', 'fd01::/64']))
    store.put(POLICIES, policy('closed'))
    store.put(PODS, pod('web', { app: 'web' }, '10.244.1.5'))
    const followed = followForTest(server)
    await followed.source.synced
    await converged(server, followed)
    expect(followed.state.cluster.pods.get('shop/web')?.addresses.map(formatAddress)).toEqual([
      '10.244.1.5',
    ])
    const told = followed.changes.find((change) => change.kind === 'node')
    expect(told?.addresses.map(formatAddress)).toEqual(['10.0.0.1', 'fd00::1'])
    expect(told?.podCidrs?.map(formatCidr)).toEqual(['10.244.1.0/24', 'fd01::/64'])

    store.put(PODS, pod('web', { app: 'other' }, '10.244.1.5'))
    store.put(PODS, pod('db'))
    store.delete(POLICIES, 'shop', 'closed')
    store.delete(NODES, undefined, 'n1')
    store.put(NAMESPACES, namespace('late'))
    await converged(server, followed)
    expect(followed.errors).toEqual([])
  })

  test('many pods, and what is gone when they are listed again', async () => {
    const server = await startServer(options)
    for (let index = 0; index < 1_234; index++) server.store.put(PODS, pod(`web-${index}`))
    const followed = followForTest(server)
    await followed.source.synced
    expect(followed.state.cluster.pods.size).toBe(1_234)
    await server.stop()
    for (let index = 0; index < 1_100; index++) server.store.delete(PODS, 'shop', `web-${index}`)
    server.store.put(PODS, pod('new'))
    server.store.compact()
    await server.start()
    await converged(server, followed)
    expect(followed.state.cluster.pods.size).toBe(135)
    await vi.waitFor(() =>
      expect(followed.source.status().find(({ path }) => path === PODS)).toMatchObject({
        objects: 135,
        lists: 2,
        synced: true,
      }),
    )
  })

  test('a dropped watch goes on where it was, after a bookmark too', async () => {
    const server = await startServer(options)
    server.store.put(PODS, pod('web'))
    const followed = followForTest(server)
    await followed.source.synced
    await vi.waitFor(() => expect(server.watching).toBe(4))
    server.store.put(PODS, pod('db'))
    await converged(server, followed)
    server.endWatches('drop')
    await vi.waitFor(() => expect(asked(server.requests).at(-1)).toBe('watch 3'))
    await vi.waitFor(() => expect(server.watching).toBe(4))
    server.store.put(NODES, node('n1', [], []))
    server.bookmark()
    await vi.waitFor(() =>
      expect(followed.source.status().map((one) => one.resourceVersion)).toEqual(
        Array(4).fill('4'),
      ),
    )
    server.endWatches('end')
    await vi.waitFor(() => expect(asked(server.requests).at(-1)).toBe('watch 4'))
    expect(followed.source.status().every(({ lists }) => lists === 1)).toBe(true)
  })

  test.each(['as status', 'as event'] as const)('410 Gone %s: lists again', async (tellsGone) => {
    const server = await startServer({ ...options, tellsGone })
    server.store.put(PODS, pod('web'))
    server.store.put(PODS, pod('gone'))
    const followed = followForTest(server)
    await followed.source.synced
    await server.stop()
    server.store.delete(PODS, 'shop', 'gone')
    server.store.compact()
    await server.start()
    await converged(server, followed)
    expect(followed.errors.filter((error) => !error.includes('connection'))).toEqual([])
  })
})

test('what a watch asks for', async () => {
  const server = await startServer()
  const followed = followForTest(server)
  await followed.source.synced
  const [stream] = server.requests.filter(({ path }) => path === PODS)
  const { timeoutSeconds, ...fixed } = Object.fromEntries(stream?.query ?? [])
  expect(fixed).toEqual({
    watch: 'true',
    sendInitialEvents: 'true',
    resourceVersionMatch: 'NotOlderThan',
    allowWatchBookmarks: 'true',
  })
  expect(Number(timeoutSeconds)).toBeGreaterThanOrEqual(300)
  expect(Number(timeoutSeconds)).toBeLessThanOrEqual(600)
  expect(stream?.headers).toMatchObject({ authorization: 'Bearer secret' })
})

test('pages are asked for until there is no more, and the watch begins at the first one', async () => {
  const server = await startServer({ streamsLists: false })
  for (let index = 0; index < 1_001; index++) server.store.put(PODS, pod(`web-${index}`))
  server.fault = ({ verb, query, path }) => {
    // Something happens in the middle of the list: only the watch can tell it.
    const isSecond = query.get('continue')?.endsWith(' 500') === true
    if (path === PODS && verb === 'list' && isSecond) server.store.put(PODS, pod('between'))
    return undefined
  }
  const followed = followForTest(server)
  await followed.source.synced
  await converged(server, followed)
  expect(asked(server.requests)).toEqual(['stream', 'list', 'list', 'list', 'watch 1002'])
})

test('a list that outlives its continue token is read in one answer', async () => {
  const server = await startServer({ streamsLists: false })
  for (let index = 0; index < 600; index++) server.store.put(PODS, pod(`web-${index}`))
  let expired = 0
  server.fault = ({ query }) => {
    if (!query.has('continue')) return undefined
    expired += 1
    server.store.delete(PODS, 'shop', 'web-0')
    server.store.compact()
    return undefined
  }
  const followed = followForTest(server)
  await followed.source.synced
  await converged(server, followed)
  expect(expired).toBe(1)
  expect(followed.state.cluster.pods.size).toBe(599)
  const limits = server.requests
    .filter(({ path, verb }) => path === PODS && verb === 'list')
    .map(({ query }) => query.get('limit'))
  expect(limits).toEqual(['500', '500', null])
})

test('a slow list in pages', async () => {
  const server = await startServer({ streamsLists: false })
  for (let index = 0; index < 600; index++) server.store.put(PODS, pod(`web-${index}`))
  const held = Promise.withResolvers<void>()
  server.fault = ({ query }) =>
    query.has('continue') ? { kind: 'hold', until: held.promise } : undefined
  const followed = followForTest(server)
  // What has come is told already, and nothing is gone while the list is not complete.
  await vi.waitFor(() => expect(followed.state.cluster.pods.size).toBe(500))
  expect(followed.source.status().find(({ path }) => path === PODS)).toMatchObject({
    synced: false,
    resourceVersion: undefined,
  })
  held.resolve()
  await followed.source.synced
  expect(followed.state.cluster.pods.size).toBe(600)
})

test('an object that policy cannot use is refused alone; the rest goes on', async () => {
  const server = await startServer()
  server.store.put(PODS, pod('web'))
  server.store.put(POLICIES, policy('ok'))
  const broken = { ...policy('broken'), spec: { podSelector: {}, ingress: [{ from: 'all' }] } }
  server.store.put(POLICIES, broken)
  const followed = followForTest(server)
  await followed.source.synced
  await converged(server, followed)
  expect(followed.state.refused).toMatchObject([
    { subject: { object: 'policy', key: 'shop/broken' }, inForce: 'salvage' },
  ])
  server.store.put(POLICIES, policy('broken'))
  await converged(server, followed)
  expect(followed.state.refused).toEqual([])
})

test('after close nothing more is asked, told or kept open', async () => {
  const server = await startServer()
  const followed = followForTest(server)
  await followed.source.synced
  followed.source.close()
  await vi.waitFor(() => expect(server.watching).toBe(0))
  const { length } = server.requests
  server.store.put(PODS, pod('web'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(server.requests).toHaveLength(length)
  expect(followed.changes).toEqual([])
  expect(followed.errors).toEqual([])
})
