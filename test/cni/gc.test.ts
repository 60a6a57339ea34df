import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CniReply } from '../../src/cni/frame.ts'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { type CniHandler, createHandler } from '../../src/cni/verbs.ts'
import { isAttached } from '../../src/pods/record.ts'
import type { Wiring } from '../../src/pods/wiring.ts'
import { createScene, type Scene } from '../pods/parts.ts'
import { bodyOf, requestOf } from './requests.ts'

let scene: Scene
let handle: CniHandler

beforeEach(async () => {
  scene = createScene()
  handle = createHandler({ ...scene, inTurn: createInTurn() })
  for (const container of ['c1', 'c2', 'c3']) await addOf(container)
})

afterEach(() => {
  scene.dispose()
})

async function addOf(container: string, network = 'sluice'): Promise<void> {
  const reply = await handle(requestOf('ADD', { CNI_CONTAINERID: container }, { name: network }))
  expect(reply.exitCode).toBe(0)
}

function collect(config: object): Promise<CniReply> {
  const { stdin } = requestOf('GC', {}, config)
  return handle({
    environment: new Map([
      ['CNI_COMMAND', 'GC'],
      ['CNI_PATH', '/opt/cni/bin'],
    ]),
    stdin,
  })
}

function attached(): string[] {
  const live = scene.records.all().filter(isAttached)
  return live.map(({ containerId }) => containerId).sort()
}

const valid = (...containers: string[]) =>
  containers.map((containerID) => ({ containerID, ifname: 'eth0' }))

test.each([
  ['those that are not listed', { 'cni.dev/valid-attachments': valid('c2') }, ['c2']],
  ['by the name that the list had first', { 'cni.dev/attachments': valid('c2') }, ['c2']],
  [
    'by the right name where both are given',
    { 'cni.dev/valid-attachments': valid('c1', 'c3'), 'cni.dev/attachments': valid('c2') },
    ['c1', 'c3'],
  ],
  ['all, when none is valid', { 'cni.dev/valid-attachments': [] }, []],
  [
    'none, when all are valid',
    { 'cni.dev/valid-attachments': valid('c1', 'c2', 'c3') },
    ['c1', 'c2', 'c3'],
  ],
  [
    'another interface of the container is not this one',
    { 'cni.dev/valid-attachments': [{ containerID: 'c1', ifname: 'net1' }, ...valid('c2', 'cx')] },
    ['c2'],
  ],
])('%s', async (_, config, left) => {
  expect(await collect(config)).toEqual({ exitCode: 0, body: '' })
  expect(attached()).toEqual(left)
  await scene.reaper.reap()
  expect(scene.interfaces.size).toBe(left.length)
  expect(scene.ipam.usage()[0]?.used).toBe(left.length)
})

test('attachments of another network are not its business', async () => {
  await addOf('c4', 'other')
  await collect({ 'cni.dev/valid-attachments': [] })
  expect(attached()).toEqual(['c4'])
})

test('attachments of an agent that kept no network are', async () => {
  for (const record of scene.records.all()) scene.records.put({ ...record, network: '' })
  await collect({ 'cni.dev/valid-attachments': valid('c2') })
  expect(attached()).toEqual(['c2'])
})

test('what has been released already is passed over', async () => {
  await handle(requestOf('DEL'))
  scene.log.length = 0
  await collect({ 'cni.dev/valid-attachments': valid('c2', 'c3') })
  expect(scene.log).toEqual([])
})

test('one that cannot be removed does not keep the others, and all such are told', async () => {
  const wiring: Wiring = {
    ...scene.wiring,
    disconnect: ([address]) => {
      if (address !== scene.records.all()[1]?.addresses[0]) throw new Error('the route stays')
    },
    remove: async (names) => {
      throw new Error(`${names.join()} stays`)
    },
  }
  handle = createHandler({ ...scene, wiring, inTurn: createInTurn() })
  const [c1, , c3] = scene.records.all()
  const reply = await collect({ 'cni.dev/valid-attachments': [] })
  expect(reply.exitCode).toBe(1)
  expect(bodyOf(reply)).toEqual({
    cniVersion: '1.1.0',
    code: 199,
    msg: '2 of 3 stale attachments of the network sluice are not removed; GC or DEL will try again',
    details:
      `shop/cart-0 (eth0) of container c1: The network of container c1 is not removed: ${c1?.hostInterface} stays; ` +
      `shop/cart-0 (eth0) of container c3: The network of container c3 is not removed: ${c3?.hostInterface} stays`,
  })
  expect(attached()).toEqual(['c1', 'c3'])
})

describe('what is wrong with the request is told, and nothing is removed', () => {
  test.each([
    [{}, 7, 'cni.dev/valid-attachments is missing'],
    [{ 'cni.dev/valid-attachments': null }, 7, 'cni.dev/valid-attachments must be Array, not null'],
    [{ 'cni.dev/valid-attachments': [{ containerID: 'c1' }] }, 7, '0.ifname must be'],
    [{ 'cni.dev/valid-attachments': [], name: '' }, 7, 'name must begin'],
    [
      { 'cni.dev/valid-attachments': [], cniVersion: '1.0.0' },
      1,
      'CNI has GC since version 1.1.0, and the network configuration has cniVersion 1.0.0',
    ],
  ])('%j', async (config, code, message) => {
    const reply = await collect(config)
    expect(reply.exitCode).toBe(1)
    expect(bodyOf(reply)).toMatchObject({ code, msg: expect.stringContaining(message) })
    expect(attached()).toEqual(['c1', 'c2', 'c3'])
  })
})
