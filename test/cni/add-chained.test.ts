import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { type CniHandler, createHandler } from '../../src/cni/verbs.ts'
import { PodNetworkError } from '../../src/pods/errors.ts'
import type { PodEntry } from '../../src/pods/find-entry.ts'
import { takeOver } from '../../src/pods/take-over.ts'
import { createScene, LAST_TOLD, type Scene } from '../pods/parts.ts'
import { bodyOf, requestOf } from './requests.ts'

/** As Debian's `ptp` 1.1.1 answers. */
const PTP = {
  cniVersion: '1.0.0',
  interfaces: [
    { name: 'veth0', mac: '02:00:00:00:00:01' },
    { name: 'eth0', mac: '02:00:00:00:00:02', sandbox: '/run/netns/c1' },
  ],
  ips: [{ interface: 1, address: '10.1.0.2/24', gateway: '10.1.0.1' }],
  routes: [{ dst: '0.0.0.0/0' }],
  dns: {},
}
const ON_BRIDGE: PodEntry = {
  hostInterface: 'cni0',
  bridgePort: { name: 'veth0', mac: '02:00:00:00:00:02' },
}

let scene: Scene
let entry: PodEntry
let bridgeFault: PodNetworkError | undefined
let handle: CniHandler

beforeEach(() => {
  scene = createScene()
  entry = { hostInterface: 'veth0', bridgePort: undefined }
  bridgeFault = undefined
  const chain = {
    findEntry: () => entry,
    requireBridgeFilter: () => {
      if (bridgeFault !== undefined) throw bridgeFault
    },
  }
  handle = createHandler({ ...scene, chain, inTurn: createInTurn() })
})

afterEach(() => {
  scene.dispose()
})

function add(prevResult: object = PTP, container = 'c1') {
  return handle(requestOf('ADD', { CNI_CONTAINERID: container }, { prevResult }))
}

describe('ADD', () => {
  test('only enforces, on the addresses of the result before, and hands that on', async () => {
    const reply = await add()
    expect(reply.exitCode).toBe(0)
    expect(bodyOf(reply)).toEqual({ ...PTP, cniVersion: '1.1.0' })
    expect(scene.log).toEqual(['attach cart-0 10.1.0.2'])
    expect(scene.records.all()).toMatchObject([
      { wiredBy: 'chain', hostInterface: 'veth0', lastTold: LAST_TOLD },
    ])
  })

  test.each([
    ['an address of another interface is not the pod’s', { interface: 0 }, '10.1.0.2'],
    ['an address that names no interface is', {}, '10.1.0.2,10.1.0.3'],
  ])('%s', async (_, second, expected) => {
    await add({ ...PTP, ips: [...PTP.ips, { address: '10.1.0.3/24', ...second }] })
    expect(scene.log).toEqual([`attach cart-0 ${expected}`])
  })

  test('where the plugin counted wrong, all are the pod’s', async () => {
    await add({ ...PTP, ips: [{ interface: 7, address: '10.1.0.9/24' }] })
    expect(scene.log).toEqual(['attach cart-0 10.1.0.9'])
  })

  test('a result without addresses is refused', async () => {
    const reply = await add({ ...PTP, ips: [] })
    expect(bodyOf(reply)).toMatchObject({ code: 7, msg: expect.stringContaining('no address') })
    expect(scene.files()).toEqual([])
  })

  test('without a plugin before us it is refused', async () => {
    const reply = await handle(requestOf('ADD'))
    expect(bodyOf(reply)).toMatchObject({ code: 7, msg: expect.stringContaining('--chained') })
    expect(scene.log).toEqual([])
  })

  test('twice is refused, and the first stays', async () => {
    await add()
    expect(bodyOf(await add())).toMatchObject({ code: 100 })
    expect(scene.log).toEqual(['attach cart-0 10.1.0.2'])
    expect(scene.files()).toHaveLength(1)
  })

  test('a bridge that shows nothing to policy is refused, and nothing remains', async () => {
    entry = ON_BRIDGE
    bridgeFault = new PodNetworkError('notEnforceable', 'br_netfilter is not loaded.')
    expect(bodyOf(await add())).toMatchObject({ code: 107, msg: 'br_netfilter is not loaded.' })
    expect(scene.files()).toEqual([])
  })

  test('what fails is undone, but not the work of others', async () => {
    scene.failing.set('attach', new Error('the kernel said no'))
    expect(bodyOf(await add())).toMatchObject({ code: 104 })
    expect(scene.log).toEqual(['attach cart-0 10.1.0.2', 'detach cart-0 10.1.0.2'])
    expect(scene.files()).toEqual([])
  })

  test('whoever had the address before is gone, though no DEL has come yet', async () => {
    await add()
    await add(PTP, 'c2')
    expect(scene.log.slice(1)).toEqual(['detach cart-0 10.1.0.2', 'attach cart-0 10.1.0.2'])
    expect(scene.records.all()).toMatchObject([{ containerId: 'c2' }])
    const late = await handle(requestOf('DEL', { CNI_CONTAINERID: 'c1' }))
    expect(late.exitCode).toBe(0)
    expect(scene.records.all()).toMatchObject([{ containerId: 'c2' }])
  })
})

test('DEL takes the policy away and no interface, with or without the result', async () => {
  await add()
  scene.log.length = 0
  expect((await handle(requestOf('DEL'))).exitCode).toBe(0)
  expect(scene.log).toEqual(['detach cart-0 10.1.0.2'])
  expect(scene.files()).toEqual([])
  expect((await handle(requestOf('DEL', {}, { prevResult: PTP }))).exitCode).toBe(0)
})

test.each([
  ['alone', { hostInterface: 'veth0', bridgePort: undefined }],
  ['on a bridge', ON_BRIDGE],
])('the next agent keeps a pod %s while its link is there', async (_, where) => {
  entry = where
  await add()
  scene.interfaces.add('veth0').add('cni0')
  expect((await takeOver(scene.restart())).kept).toMatchObject([{ pod: { name: 'cart-0' } }])
  scene.interfaces.delete('veth0')
  const taken = await takeOver(scene.restart())
  expect([taken.kept.length, taken.released.length, taken.deleted]).toEqual([0, 1, []])
  expect(scene.files()).toEqual([])
})
