import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { outlivePackets } from '../../src/agent/outlive-packets.ts'

test('packets are outlived when the kernel says so', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let areOutlived = false
  const outlived = outlivePackets(() => promise).then(() => {
    areOutlived = true
  })
  await setImmediate()
  expect(areOutlived).toBe(false)
  resolve()
  await outlived
})

test('where it does not, after a while that none of them takes', async () => {
  const startedAt = performance.now()
  await outlivePackets(() => Promise.reject(new Error('EINVAL')))
  expect(performance.now() - startedAt).toBeGreaterThan(95)
})
