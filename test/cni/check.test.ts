import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CniReply } from '../../src/cni/frame.ts'
import { createInTurn } from '../../src/cni/in-turn.ts'
import { type CniHandler, type CniParts, createHandler } from '../../src/cni/verbs.ts'
import type { ExpectedPodEnd } from '../../src/pods/check-links.ts'
import { createScene, type Scene } from '../pods/parts.ts'
import { bodyOf, requestOf } from './requests.ts'

let scene: Scene
/** What the wiring was told to expect. */
let asked: ExpectedPodEnd[]
let linkFaults: string[]
let policyFaults: string[]
let handle: CniHandler
let prevResult: object

beforeEach(async () => {
  scene = createScene()
  asked = []
  linkFaults = []
  policyFaults = []
  handle = createHandler(checkedParts())
  prevResult = Object(bodyOf(await handle(requestOf('ADD'))))
})

afterEach(() => {
  scene.dispose()
})

function checkedParts(): CniParts {
  return {
    ...scene,
    inTurn: createInTurn(),
    wiring: {
      ...scene.wiring,
      check: (_, __, expected) => {
        asked.push(expected)
        return linkFaults
      },
    },
    enforcement: { ...scene.enforcement, check: async () => policyFaults },
  }
}

function check(config: object = { prevResult }, environment = {}): Promise<CniReply> {
  return handle(requestOf('CHECK', environment, config))
}

const REMEDY =
  'Delete the pod to have it made anew; if only the table inet sluice is changed, a restart of the Sluice agent of this node repairs it.'

test.each(['0.4.0', '1.0.0', '1.1.0'])('all is well, in version %s', async (cniVersion) => {
  const { body } = await handle(requestOf('ADD', { CNI_CONTAINERID: 'c2' }, { cniVersion }))
  const config = { cniVersion, prevResult: JSON.parse(body) }
  expect(await check(config, { CNI_CONTAINERID: 'c2' })).toEqual({ exitCode: 0, body: '' })
  expect(asked).toEqual([{ mac: '5a:4c:0a:00:00:02', defaultRoutes: [4] }])
})

test('it asks for no arguments: ADD was told them', async () => {
  expect(await check({ prevResult }, { CNI_ARGS: '' })).toEqual({ exitCode: 0, body: '' })
})

test('all faults are told in one error, links first', async () => {
  linkFaults = ['The node has no interface slc0']
  policyFaults = ['The set local4 lacks it', 'The map x leads astray']
  const reply = await check()
  expect(reply.exitCode).toBe(1)
  expect(bodyOf(reply)).toEqual({
    cniVersion: '1.1.0',
    code: 106,
    msg: 'The network of shop/cart-0 (eth0) is not as it was made: The node has no interface slc0 (and 2 more)',
    details: `The node has no interface slc0. The set local4 lacks it. The map x leads astray. ${REMEDY}`,
  })
})

describe('a result that does not speak of this pod', () => {
  test.each([
    [{ interfaces: [] }, 'prevResult has no interface eth0 in a sandbox'],
    [{ interfaces: [{ name: 'eth0' }] }, 'prevResult has no interface eth0 in a sandbox'],
    [
      { interfaces: [{ name: 'eth0', sandbox: '/run/netns/other' }] },
      'prevResult has it in /run/netns/other, and CNI_NETNS is /run/netns/c1',
    ],
    [{ ips: [{ address: '10.0.0.9/32' }] }, 'prevResult does not have its address 10.0.0.2'],
  ])('%j', async (changes, fault) => {
    expect(bodyOf(await check({ prevResult: { ...prevResult, ...changes } }))).toMatchObject({
      code: 106,
      details: `${fault}. ${REMEDY}`,
    })
  })
})

test('the link of a pod that another plugin wired is not ours to check, its policy is', async () => {
  const [record] = scene.records.all()
  if (record === undefined) throw new Error('There is no record.')
  scene.records.put({ ...record, wiredBy: 'chain' })
  linkFaults = ['never asked for']
  policyFaults = ['The set local4 lacks it']
  expect(bodyOf(await check())).toMatchObject({ details: `The set local4 lacks it. ${REMEDY}` })
  expect(asked).toEqual([])
})

describe('what cannot be checked', () => {
  test.each([
    [{}, {}, 7, 'has no prevResult; CHECK needs'],
    [{ prevResult: { ips: 'x' } }, {}, 7, 'prevResult.ips must be Array'],
    [{ cniVersion: '0.3.1', prevResult: {} }, {}, 1, 'CNI has CHECK since version 0.4.0'],
    [{ prevResult: {} }, { CNI_NETNS: '' }, 4, 'CNI_NETNS is missing'],
    [{ prevResult: {} }, { CNI_CONTAINERID: 'cx' }, 3, 'Container cx has no network of Sluice'],
  ])('%j %j', async (config, environment, code, message) => {
    const reply = await check(config, environment)
    expect(reply.exitCode).toBe(1)
    expect(bodyOf(reply)).toMatchObject({ code, msg: expect.stringContaining(message) })
  })

  test('a pod that was deleted', async () => {
    await handle(requestOf('DEL'))
    expect(bodyOf(await check())).toMatchObject({ code: 3 })
  })

  test('the kernel cannot be asked', async () => {
    const enforcement = {
      ...scene.enforcement,
      check: () => Promise.reject(new Error('no answer')),
    }
    handle = createHandler({ ...checkedParts(), enforcement })
    expect(bodyOf(await check())).toMatchObject({
      code: 199,
      msg: 'The network of shop/cart-0 (eth0) cannot be checked: no answer',
    })
  })
})
