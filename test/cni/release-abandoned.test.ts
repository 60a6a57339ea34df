import { afterEach, beforeEach, expect, test } from 'vitest'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { releaseAbandoned } from '../../src/cni/release-abandoned.ts'
import { type CniHandler, type CniParts, createHandler } from '../../src/cni/verbs.ts'
import { createScene, type Scene } from '../pods/parts.ts'
import { requestOf } from './requests.ts'

let scene: Scene
let parts: CniParts
let handle: CniHandler
/** Files that are there. */
let namespaces: Set<string>

beforeEach(async () => {
  scene = createScene()
  parts = { ...scene, inTurn: createInTurn() }
  handle = createHandler(parts)
  namespaces = new Set(['/run/netns/c1', '/run/netns/c2'])
  for (const container of ['c1', 'c2']) await handle(addOf(container))
})

afterEach(() => {
  scene.dispose()
})

const addOf = (container: string) =>
  requestOf('ADD', { CNI_CONTAINERID: container, CNI_NETNS: `/run/netns/${container}` })

async function releasedNow(): Promise<string[]> {
  const records = await releaseAbandoned(parts, (path) => namespaces.has(path))
  return records.map(({ containerId }) => containerId)
}

function loseInterface(container: string): void {
  const record = scene.records.all().find(({ containerId }) => containerId === container)
  scene.interfaces.delete(record?.hostInterface ?? '')
}

test('neither namespace nor interface: the pod is gone', async () => {
  namespaces.delete('/run/netns/c1')
  loseInterface('c1')
  expect(await releasedNow()).toEqual(['c1'])
  expect(scene.ipam.usage()[0]?.used).toBe(1)
  expect(scene.log).toContain('detach cart-0 10.0.0.2')
  expect(await releasedNow()).toEqual([])
})

test('as long as one of them is there, it may live', async () => {
  expect(await releasedNow()).toEqual([])
  loseInterface('c1')
  namespaces.delete('/run/netns/c2')
  expect(await releasedNow()).toEqual([])
  expect(scene.ipam.usage()[0]?.used).toBe(2)
})

test('one whose record was lost, and with it the path of its namespace, lives as long as its interface', async () => {
  const record = scene.records.all().find(({ containerId }) => containerId === 'c1')
  if (record === undefined) throw new Error('There is no record of c1.')
  scene.records.put({ ...record, containerId: '', ifName: '', netns: '' })
  const exists = (path: string): boolean => path !== ''
  expect(await releaseAbandoned(parts, exists)).toEqual([])
  scene.interfaces.delete(record.hostInterface)
  expect(await releaseAbandoned(parts, exists)).toMatchObject([{ id: record.id }])
})

test('a pod that is deleted and added anew meanwhile stays', async () => {
  namespaces.delete('/run/netns/c1')
  loseInterface('c1')
  const redone = (async () => {
    await handle(requestOf('DEL'))
    namespaces.add('/run/netns/c1')
    return handle(addOf('c1'))
  })()
  const released = releasedNow()
  expect((await redone).exitCode).toBe(0)
  expect(await released).toEqual([])
  expect(scene.ipam.usage()[0]?.used).toBe(2)
})
