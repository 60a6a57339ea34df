import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { leave } from '../../src/pods/leave.ts'
import { isLeaving } from '../../src/pods/record.ts'
import { takeOver } from '../../src/pods/take-over.ts'
import { attachPod } from './attach-pod.ts'
import { createScene, LATEST_MS, QUIET_MS, type Scene } from './parts.ts'

let scene: Scene

beforeEach(() => {
  scene = createScene()
})

afterEach(() => {
  scene.dispose()
})

/** Lets time pass and runs the timer that is due. */
async function pass(ms: number): Promise<void> {
  scene.clock.now += ms
  scene.timers.shift()?.callback()
  await scene.reaper.reap().catch(() => undefined)
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function removed(): string[] {
  return scene.log.filter((line) => line.startsWith('remove'))
}

describe('it begins', () => {
  test('when nobody has come for a while', async () => {
    await leave(attachPod('a', scene).id, scene)
    expect(scene.timers.map(({ delayMs }) => delayMs)).toEqual([QUIET_MS])
    scene.clock.now += QUIET_MS
    scene.timers.shift()?.callback()
    await turn()
    expect(scene.interfaces.size).toBe(0)
    expect(scene.ipam.usage()[0]?.used).toBe(0)
  })

  test('later when others come, but not later than it must', async () => {
    await leave(attachPod('a', scene).id, scene)
    const delays: number[] = []
    let waitedMs = 0
    while (scene.interfaces.size > 0 && waitedMs < 2 * LATEST_MS) {
      const timer = scene.timers.shift()
      delays.push(timer?.delayMs ?? Number.NaN)
      scene.clock.now += (timer?.delayMs ?? 0) - 1
      scene.reaper.stir()
      scene.clock.now += 1
      waitedMs += timer?.delayMs ?? 0
      timer?.callback()
      await turn()
    }
    expect(waitedMs).toBe(LATEST_MS)
    expect(Math.max(...delays)).toBeLessThanOrEqual(QUIET_MS)
  })

  test('at once when it is asked to, for all who have left', async () => {
    const ids = [attachPod('a', scene).id, attachPod('b', scene).id]
    for (const id of ids) await leave(id, scene)
    await Promise.all([scene.reaper.reap(), scene.reaper.reap()])
    expect(removed()).toEqual([`remove ${ids.join()}`])
    expect(scene.reaper.isWaiting).toBe(false)
  })
})

test('what fails keeps link, address and record, and is tried again', async () => {
  const id = attachPod('a', scene).id
  await leave(id, scene)
  scene.failing.set('remove', new Error('busy'))
  await expect(scene.reaper.reap()).rejects.toThrow('busy')
  expect(scene.ipam.usage()[0]?.used).toBe(1)
  expect(scene.records.all().filter(isLeaving)).toHaveLength(1)
  expect(scene.timers.at(-1)?.delayMs).toBe(LATEST_MS)
  scene.failing.clear()
  await pass(LATEST_MS)
  expect(scene.ipam.usage()[0]?.used).toBe(0)
})

test('a link whose routes stay is removed at once', async () => {
  scene.failing.set('disconnect', new Error('no'))
  const id = attachPod('a', scene).id
  await leave(id, scene)
  expect(scene.log.slice(-2)).toEqual([`remove ${id}`, 'detach a 10.0.0.2'])
  expect(scene.timers).toEqual([])
})

test('an agent that ends leaves it to the next one', async () => {
  const id = attachPod('a', scene).id
  await leave(id, scene)
  await scene.reaper.close()
  await pass(LATEST_MS)
  expect([...scene.interfaces]).toEqual([id])
  const next = scene.restart()
  expect(await takeOver(next)).toMatchObject({ kept: [], released: [{ id }], deleted: [] })
  expect(next.log).toEqual([`remove ${id}`, 'detach a 10.0.0.2'])
  expect([...next.interfaces]).toEqual([])
  expect(next.ipam.usage()[0]?.used).toBe(0)
})
