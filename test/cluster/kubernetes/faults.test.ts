import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { KUBERNETES_SYSTEM } from '../../../src/agent/kubernetes-system.ts'
import type { SourceChange } from '../../../src/cluster/source-change.ts'
import { openKubernetesSource } from '../../../src/cluster/kubernetes/source.ts'
import type { KubernetesSystem } from '../../../src/cluster/kubernetes/system.ts'
import type { ApiRequest } from './api-server.ts'
import type { Fault } from './faulty-body.ts'
import { converged, followForTest, HASTY, startServer } from './followed.ts'
import { HandClock } from './hand-clock.ts'
import { NAMESPACES, namespace, pod, PODS } from './objects.ts'

/** Faults for the first requests about pods of that verb, one each. */
function inTurn(verb: ApiRequest['verb'], ...faults: readonly Fault[]) {
  let next = 0
  return (request: ApiRequest): Fault | undefined =>
    request.path === PODS && request.verb === verb ? faults[next++] : undefined
}

function podStatus(followed: ReturnType<typeof followForTest>) {
  return followed.source.status().find(({ path }) => path === PODS)
}

describe('an answer that breaks off', () => {
  test.each(['stream', 'list'] as const)('a %s, at every byte', async (verb) => {
    const server = await startServer({ streamsLists: verb === 'stream' })
    const web = pod('web')
    const annotations = { é: '"}]{[\\', '\u{1F600}': 'items":[' }
    server.store.put(PODS, { ...web, metadata: { ...web.metadata, annotations } })
    const whole = await bytesOf(server.url, verb)
    for (let after = 0; after < whole; after++) {
      const how = (['drop', 'end'] as const)[after % 2] ?? 'drop'
      server.fault = inTurn(verb, { kind: 'cut', after, how })
      const followed = followForTest(server)
      await followed.source.synced
      expect([...followed.state.cluster.pods.keys()]).toEqual(['shop/web'])
      followed.source.close()
    }
  })

  test('in pieces of one byte', async () => {
    const server = await startServer()
    for (const name of ['web', 'db']) server.store.put(PODS, pod(name, { name }))
    server.fault = () => ({ kind: 'pieces', bytes: 1 })
    const followed = followForTest(server)
    await followed.source.synced
    await converged(server, followed)
    expect(followed.errors).toEqual([])
  })
})

/** A watch is quiet for too long after 150 ms. */
const IMPATIENT: KubernetesSystem = {
  ...KUBERNETES_SYSTEM,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / 1000),
}

async function bytesOf(url: URL, verb: 'stream' | 'list'): Promise<number> {
  const query = verb === 'list' ? '' : '?watch=true&sendInitialEvents=true'
  const answer = await fetch(new URL(`${PODS}${query}`, url))
  if (verb === 'list') return (await answer.arrayBuffer()).byteLength
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (/"BOOKMARK".*\n$/.test(text)) break
  }
  return Buffer.byteLength(text) - 1
}

test('initial events are not all there is until their end', async () => {
  const server = await startServer()
  for (const name of ['web', 'db']) server.store.put(PODS, pod(name, { name }))
  server.fault = inTurn('stream', { kind: 'cut', after: 400, how: 'stall' })
  const clock = new HandClock()
  const followed = followForTest(server, clock.system)
  await vi.waitFor(() => expect(followed.state.cluster.pods.size).toBe(1))
  expect(podStatus(followed)).toMatchObject({ synced: false, resourceVersion: undefined, lists: 0 })
})

describe('a connection that is open and dead', () => {
  test('a watch that says nothing for too long is made anew from where it was', async () => {
    const server = await startServer()
    server.store.put(PODS, pod('web'))
    const clock = new HandClock()
    const followed = followForTest(server, clock.system)
    await followed.source.synced
    await vi.waitFor(() => expect(clock.pending).toHaveLength(4))
    const before = server.requests.length
    clock.advance(149_000)
    expect(followed.errors).toEqual([])
    // Every byte gives it new time.
    server.bookmark()
    await vi.waitFor(() => expect(clock.pending).toEqual(Array(4).fill(150_000)))
    clock.advance(150_000)
    await vi.waitFor(() => expect(followed.errors).toHaveLength(4))
    expect(followed.errors.join()).toContain('Not a byte came for 150 s')
    await vi.waitFor(() => expect(clock.pending).toHaveLength(4))
    clock.advance(500)
    await vi.waitFor(() => expect(server.requests).toHaveLength(before + 4))
    expect(server.requests.slice(before).map(({ verb }) => verb)).toEqual(Array(4).fill('watch'))
  })

  test.each(['stream', 'list', 'watch'] as const)('a %s that stalls', async (verb) => {
    const server = await startServer({ streamsLists: verb !== 'list' })
    for (const name of ['web', 'db']) server.store.put(PODS, pod(name, { name }))
    server.fault = inTurn(verb, { kind: 'cut', after: verb === 'watch' ? 0 : 300, how: 'stall' })
    const followed = followForTest(server, IMPATIENT)
    await followed.source.synced
    if (verb === 'watch') server.endWatches('drop')
    server.store.put(PODS, pod('late'))
    await converged(server, followed)
  })

  test('a stream whose initial events never end is given up for pages', async () => {
    const server = await startServer()
    server.store.put(PODS, pod('web'))
    server.fault = ({ verb, path }) =>
      path === PODS && verb === 'stream' ? { kind: 'cut', after: 10, how: 'stall' } : undefined
    const followed = followForTest(server, IMPATIENT)
    await followed.source.synced
    await converged(server, followed)
    expect(server.requests.some(({ path, verb }) => path === PODS && verb === 'list')).toBe(true)
  })

  test('no answer at all', async () => {
    const server = await startServer()
    let held = 0
    server.fault = ({ path }) =>
      path === PODS && held++ === 0 ? { kind: 'hold', until: new Promise(() => {}) } : undefined
    const followed = followForTest(server, IMPATIENT)
    await followed.source.synced
    expect(followed.errors.join()).toContain('does not answer for 60 s')
  })
})

describe('answers that are wrong', () => {
  const enormous = `{"type":"ADDED","object":{"metadata":{"name":"${'x'.repeat(9 * 1024 * 1024)}"}}}`
  test.each([
    ['garbage', '\u0000 no JSON', 'no object of JSON'],
    ['broken JSON', '{"type":"ADDED",}', 'no JSON'],
    ['a list', '[]', 'no object of JSON'],
    ['an unknown event', '{"type":"RENAMED","object":{}}', 'no known type'],
    ['an object without a name', '{"type":"ADDED","object":{}}', 'unnamed'],
    [
      'an object without a version',
      '{"type":"DELETED","object":{"metadata":{"name":"a"}}}',
      'without metadata.resourceVersion',
    ],
    ['an enormous object', enormous, 'more than 8192 KiB'],
    ['an ERROR event', '{"type":"ERROR","object":{"code":500,"message":"boom"}}', '500: boom'],
    ['an early bookmark', '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1"}}}', ''],
  ])('%s at the start of a stream', async (_, text, error) => {
    const server = await startServer()
    server.store.put(PODS, pod('web'))
    server.fault = inTurn('stream', { kind: 'insert', after: 0, text })
    const followed = followForTest(server)
    await followed.source.synced
    await converged(server, followed)
    expect(followed.errors).toHaveLength(1)
    expect(followed.errors[0]).toContain(error)
    expect(followed.errors[0]).toContain(`${PODS} cannot be followed`)
  })

  test('an ERROR event in a watch: what was missed is found by a list', async () => {
    const server = await startServer()
    server.store.put(PODS, pod('web'))
    const followed = followForTest(server)
    await followed.source.synced
    await vi.waitFor(() => expect(server.watching).toBe(4))
    server.event({ type: 'ERROR', object: { kind: 'Status', code: 500, message: 'boom' } })
    await vi.waitFor(() => expect(podStatus(followed)?.lists).toBe(2))
    expect(podStatus(followed)).toMatchObject({ errors: 1, failure: undefined })
    server.store.put(PODS, pod('db'))
    await converged(server, followed)
  })

  test.each([500, 503, 429, 408, 302])('status %i is tried again', async (code) => {
    const server = await startServer()
    server.store.put(PODS, pod('web'))
    server.fault = inTurn('stream', { kind: 'status', code }, { kind: 'status', code, body: '<p>' })
    const followed = followForTest(server)
    await followed.source.synced
    await converged(server, followed)
    // On a slow machine the hasty clock runs out on others.
    const refusals = followed.errors.filter((error) => error.includes('refuses with'))
    expect(refusals).toHaveLength(2)
    expect(refusals[0]).toContain(`refuses with ${code}: a fault of the test`)
    expect(refusals[1]).toContain(`refuses with ${code}: it gives no reason`)
  })

  test('401 has the credentials read anew', async () => {
    const server = await startServer()
    server.fault = ({ headers }) =>
      headers.authorization === 'Bearer new' ? undefined : { kind: 'status', code: 401 }
    let token = 'old'
    const source = openKubernetesSource({
      credentials: {
        current: () => Promise.resolve({ server: server.url, token, tls: {} }),
        expire: () => {
          token = 'new'
        },
      },
      system: HASTY,
      onChanges: () => undefined,
      onError: () => undefined,
    })
    onTestFinished(() => source.close())
    await source.synced
    expect(server.requests.filter(({ path }) => path === PODS)).toHaveLength(2)
  })

  test('Retry-After is heeded, within reason', async () => {
    const server = await startServer()
    const headers = (seconds: string) => ({ 'retry-after': seconds })
    server.fault = inTurn(
      'stream',
      { kind: 'status', code: 429, headers: headers('7') },
      { kind: 'status', code: 503, headers: headers('86400') },
      { kind: 'status', code: 429, headers: headers('Wed, 21 Oct 2026 07:28:00 GMT') },
    )
    const clock = new HandClock()
    const followed = followForTest(server, clock.system)
    // The three other watches wait for bookmarks.
    for (const ms of [7_000, 60_000, 2_000]) {
      await vi.waitFor(() => expect(clock.pending).toHaveLength(4))
      await vi.waitFor(() => expect(clock.pending[0]).toBe(ms))
      clock.advance(ms)
    }
    await followed.source.synced
  })
})

test('an API server that is away for an hour', async () => {
  const server = await startServer()
  server.store.put(PODS, pod('web'))
  server.store.put(NAMESPACES, namespace('shop'))
  const clock = new HandClock()
  const followed = followForTest(server, clock.system)
  await followed.source.synced
  await vi.waitFor(() => expect(clock.pending).toHaveLength(4))
  await server.stop()
  const left = clock.now
  const waits: number[] = []
  while (clock.now - left < 3_600_000) {
    // All four fail, and wait for the same time.
    await vi.waitFor(() => expect(clock.pending.filter((ms) => ms <= 30_000)).toHaveLength(4), {
      interval: 1,
    })
    waits.push(clock.pending[0] ?? 0)
    clock.advance(clock.pending[3] ?? 0)
  }
  expect(waits.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  expect(waits.length).toBeLessThan(130)
  expect(followed.state.cluster.pods.size).toBe(1)
  expect(podStatus(followed)).toMatchObject({ synced: true, objects: 1 })
  expect(podStatus(followed)?.failure).toContain('ECONNREFUSED')

  server.store.put(PODS, pod('new'))
  server.store.delete(PODS, 'shop', 'web')
  server.store.compact()
  await server.start()
  await vi.waitFor(() => {
    clock.advance(5_000)
    expect([...followed.state.cluster.pods.keys()]).toEqual(['shop/new'])
  })
  await vi.waitFor(() => expect(podStatus(followed)?.failure).toBeUndefined())
})

describe('whoever is told', () => {
  test('is told everything anew when it failed', async () => {
    const server = await startServer()
    for (const name of ['web', 'db']) server.store.put(PODS, pod(name))
    const told: string[] = []
    let failing = true
    const errors: string[] = []
    const source = openKubernetesSource({
      credentials: {
        current: () => Promise.resolve({ server: server.url, tls: {} }),
        expire: () => undefined,
      },
      system: HASTY,
      onChanges: (changes) => {
        if (failing) {
          failing = false
          throw new Error('the kernel is full')
        }
        told.push(...changes.flatMap((change) => (change.kind === 'pod' ? [change.pod.name] : [])))
      },
      onError: ({ message }) => errors.push(message),
    })
    onTestFinished(() => source.close())
    await source.synced
    expect(told).toEqual(['web', 'db'])
    expect(errors).toEqual([`${PODS} cannot be followed: the kernel is full`])
  })

  test('is not told more than it can take', async () => {
    const server = await startServer()
    for (let index = 0; index < 2_000; index++) server.store.put(PODS, pod(`web-${index}`))
    const batches: (readonly SourceChange[])[] = []
    const gate = Promise.withResolvers<void>()
    const source = openKubernetesSource({
      credentials: {
        current: () => Promise.resolve({ server: server.url, tls: {} }),
        expire: () => undefined,
      },
      system: HASTY,
      onChanges: async (changes) => {
        batches.push(changes)
        await gate.promise
      },
      onError: () => undefined,
    })
    onTestFinished(() => source.close())
    await vi.waitFor(() => expect(source.status().filter(({ synced }) => synced)).toHaveLength(3))
    expect(batches).toHaveLength(1)
    gate.resolve()
    await source.synced
    expect(batches.flat()).toHaveLength(2_000)
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThan(600)
  })
})
