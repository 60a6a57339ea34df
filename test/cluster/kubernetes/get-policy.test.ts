import { expect, test, vi } from 'vitest'
import { followForTest, startServer } from './followed.ts'
import { POLICIES, policy } from './objects.ts'

function generation(of: number, podSelector: object = {}) {
  const { metadata, ...rest } = policy('web', podSelector)
  return { ...rest, metadata: { ...metadata, uid: 'uid-web', generation: of } }
}

test('the policy as the server has it, which the watch need not have told yet', async () => {
  const server = await startServer()
  server.store.put(POLICIES, generation(1))
  const { source, changes } = followForTest(server)
  await source.synced
  const told = changes.filter(({ kind }) => kind === 'policy')
  expect(told).toMatchObject([{ version: { uid: 'uid-web', generation: 1 } }])
  await vi.waitFor(() => expect(server.watching).toBe(4))
  server.fault = ({ verb }) => (verb === 'get' ? undefined : { kind: 'status', code: 503 })
  server.endWatches('drop')
  server.store.put(POLICIES, generation(2))
  expect(await source.getPolicy('shop', 'web')).toMatchObject({
    kind: 'policy',
    policy: { namespace: 'shop', name: 'web' },
    version: { uid: 'uid-web', generation: 2 },
  })
  expect(changes.filter(({ kind }) => kind === 'policy')).toEqual(told)
})

test('one that cannot be used, and one that is not there', async () => {
  const server = await startServer()
  server.store.put(POLICIES, generation(3, { matchLabels: { app: 7 } }))
  const { source } = followForTest(server)
  expect(await source.getPolicy('shop', 'web')).toMatchObject({
    kind: 'refused',
    version: { uid: 'uid-web', generation: 3 },
  })
  expect(await source.getPolicy('shop', 'other')).toEqual({
    kind: 'gone',
    subject: { object: 'policy', key: 'shop/other' },
  })
})
