import { expect, test } from 'vitest'
import type { KubernetesSystem } from '../../../src/cluster/kubernetes/system.ts'
import { converged, followForTest, HASTY, startServer } from './followed.ts'
import { pod, PODS } from './objects.ts'

const CONNECT_MS = 10_000

test('a connection that does not come about is given up, and made anew', async () => {
  const server = await startServer()
  server.store.put(PODS, pod('web'))
  let late = 2
  const system: KubernetesSystem = {
    ...HASTY,
    // The time is over before the connection can be: events of the network come later than this.
    setTimeout: (callback, delayMs) => {
      if (delayMs === CONNECT_MS && late-- > 0) process.nextTick(callback)
      return HASTY.setTimeout(callback, delayMs)
    },
  }
  const followed = followForTest(server, system)
  await followed.source.synced
  await converged(server, followed)
  const given = followed.errors.filter((error) => error.includes('comes about in 10 s'))
  expect(given).toHaveLength(2)
  expect(given[0]).toContain(`at ${server.url.host}`)
})
