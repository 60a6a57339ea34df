import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CniRequest } from '../../src/cni/frame.ts'
import { createInTurn } from '../../src/cni/in-turn.ts'
import type { Obstacle } from '../../src/cni/obstacle.ts'
import { type CniHandler, createHandler } from '../../src/cni/verbs.ts'
import { Ipam } from '../../src/pods/ipam.ts'
import { blockOf, ip4, ip6 } from '../../src/policy/address.ts'
import { createScene, reaperOf, type Scene } from '../pods/parts.ts'
import { bodyOf, requestOf } from './requests.ts'

let scene: Scene
let obstacle: Obstacle | undefined

beforeEach(() => {
  scene = createScene()
  obstacle = undefined
})

afterEach(() => {
  scene.dispose()
})

function handlerWith(ipam: Ipam = scene.ipam): CniHandler {
  const parts = { ...scene, ipam, obstacle: () => obstacle }
  const reaper = reaperOf({ ...scene, ipam })
  return createHandler({ ...parts, reaper, inTurn: createInTurn() })
}

/** What libcni sends: no container, no namespace. */
function statusRequest(config = {}): CniRequest {
  return {
    environment: new Map([
      ['CNI_COMMAND', 'STATUS'],
      ['CNI_PATH', '/opt/cni/bin'],
    ]),
    stdin: requestOf('STATUS', {}, config).stdin,
  }
}

test('ready', async () => {
  expect(await handlerWith()(statusRequest())).toEqual({ exitCode: 0, body: '' })
})

test.each([
  [false, 50],
  [true, 51],
])('an obstacle that harms pods: %s', async (harmsPods, code) => {
  obstacle = { reason: 'The kernel refuses', harmsPods }
  const reply = await handlerWith()(statusRequest())
  expect(reply.exitCode).toBe(1)
  expect(bodyOf(reply)).toEqual({ cniVersion: '1.1.0', code, msg: 'The kernel refuses' })
})

test('no address of one family is left, until a pod goes', async () => {
  const ranges = [blockOf(ip4(0x0a000000), 24), blockOf(ip6(0xfd00n << 112n), 126)]
  const ipam = new Ipam({ ranges, cooldownMs: 60_000, now: scene.now })
  const handle = handlerWith(ipam)
  for (const container of ['c1', 'c2', 'c3']) {
    expect((await handle(statusRequest())).exitCode).toBe(0)
    const added = await handle(requestOf('ADD', { CNI_CONTAINERID: container }))
    expect(added.exitCode).toBe(0)
  }
  expect(bodyOf(await handle(statusRequest()))).toEqual({
    cniVersion: '1.1.0',
    code: 50,
    msg: 'All 3 addresses of fd00::/126 are in use; give this node another range',
  })
  await handle(requestOf('DEL'))
  expect((await handle(statusRequest())).exitCode).toBe(0)
  expect((await handle(requestOf('ADD', { CNI_CONTAINERID: 'c4' }))).exitCode).toBe(0)
})

test('a version of the specification that has no STATUS', async () => {
  expect(bodyOf(await handlerWith()(statusRequest({ cniVersion: '1.0.0' })))).toEqual({
    cniVersion: '1.0.0',
    code: 1,
    msg: 'CNI has STATUS since version 1.1.0, and the network configuration has cniVersion 1.0.0',
  })
})
