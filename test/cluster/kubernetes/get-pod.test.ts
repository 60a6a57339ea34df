import { expect, test, vi } from 'vitest'
import { followForTest, startServer } from './followed.ts'
import { pod, PODS } from './objects.ts'

test('the pod as the server has it', async () => {
  const server = await startServer()
  server.store.put(PODS, pod('web', { app: 'web' }, '10.244.0.5'))
  const { source } = followForTest(server)
  expect(await source.getPod('shop', 'web')).toMatchObject({
    kind: 'pod',
    pod: { name: 'web', uid: 'uid-web', labels: new Map([['app', 'web']]) },
  })
  expect(await source.getPod('shop', 'other')).toEqual({
    kind: 'gone',
    subject: { object: 'pod', key: 'shop/other' },
  })
})

test('a name cannot lead elsewhere', async () => {
  const server = await startServer()
  const { source } = followForTest(server)
  await source.getPod('../../x', 'a?watch=true#')
  expect(server.requests.map(({ path }) => path)).toContain(
    '/api/v1/namespaces/..%2F..%2Fx/pods/a%3Fwatch%3Dtrue%23',
  )
})

test('a pod that was asked for, and gone before any watch told of it, does not stay', async () => {
  const server = await startServer()
  const followed = followForTest(server)
  await followed.source.synced
  await vi.waitFor(() => expect(server.watching).toBe(4))
  // From now on nothing is told of pods.
  server.fault = ({ verb }) => (verb === 'get' ? undefined : { kind: 'status', code: 503 })
  server.endWatches('drop')
  server.store.put(PODS, pod('web'))
  followed.state.apply([await followed.source.getPod('shop', 'web')])
  expect(followed.state.cluster.pods.size).toBe(1)
  server.store.delete(PODS, 'shop', 'web')
  server.store.compact()
  server.fault = () => undefined
  await vi.waitFor(() => expect(followed.state.cluster.pods.size).toBe(0))
})

test('a server that refuses, is silent or talks nonsense', async () => {
  const server = await startServer()
  server.store.put(PODS, pod('web'))
  const { source } = followForTest(server)
  await source.synced
  server.fault = () => ({ kind: 'status', code: 500 })
  await expect(source.getPod('shop', 'web')).rejects.toThrow('refuses with 500')
  server.fault = () => ({ kind: 'cut', after: 0, how: 'end' })
  await expect(source.getPod('shop', 'web')).rejects.toThrow('sends no Pod')
  server.fault = () => ({ kind: 'cut', after: 20, how: 'drop' })
  await expect(source.getPod('shop', 'web')).rejects.toThrow('fails: aborted')
  server.fault = () => ({ kind: 'cut', after: 20, how: 'stall' })
  await expect(source.getPod('shop', 'web')).rejects.toThrow('Not a byte came for 5 s')
})
