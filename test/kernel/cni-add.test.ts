import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Sandbox } from '../../src/lab/shim.ts'
import { callCni } from './cni-call.ts'
import { run } from './node-kernel.ts'
import { type NodeState, nodeState } from './node-state.ts'
import { SmallCluster } from './small-cluster.ts'

/** Links go a moment after the DEL that was answered. */
const PATIENCE = { timeout: 10_000 }

/** What a runtime may ask of an ADD, and what it is refused. */
const cluster = new SmallCluster(1)
let before: NodeState
let sandbox: Sandbox

beforeAll(async () => {
  await cluster.start()
  await cluster.declare({ name: 'asking' })
  sandbox = cluster.pod('asking').sandbox
})

afterAll(() => cluster.stop())

beforeEach(() => {
  before = nodeState(cluster.node)
})

function add(runtimeConfig: object, changes: Partial<Sandbox> = {}) {
  return callCni(cluster.node, 'ADD', { ...sandbox, ...changes }, { runtimeConfig })
}

function rangeOf(family: 4 | 6): string {
  const [ipv4 = '', ipv6 = ''] =
    run(cluster.node.netns, 'sh', '-c', 'ip -4 route; ip -6 route').match(
      /(?<=unreachable )\S+\/\d+/gu,
    ) ?? []
  return family === 4 ? ipv4 : ipv6
}

test('a MAC address, addresses and ranges that can be had', async () => {
  const prefix = rangeOf(4).replace(/\.0\/\d+$/u, '')
  const asked = {
    mac: '02:00:00:00:00:2A',
    ips: [`${prefix}.77/24`],
    ipRanges: [[{ subnet: `${prefix}.64/26` }]],
  }
  const { exitCode, body } = await add(asked)
  expect(exitCode).toBe(0)
  expect(body).toMatchObject({
    interfaces: [{}, { name: 'eth0', mac: '02:00:00:00:00:2a' }],
    ips: [{ address: `${prefix}.77/32` }, {}],
  })
  expect(run(sandbox.netns, 'ip', 'link', 'show', 'eth0')).toContain('02:00:00:00:00:2a')
  expect(run(sandbox.netns, 'ip', 'addr', 'show', 'eth0')).toContain(`${prefix}.77/32`)
  const checked = await callCni(cluster.node, 'CHECK', sandbox, {
    prevResult: body,
    runtimeConfig: asked,
  })
  expect(checked).toEqual({ exitCode: 0, body: undefined })
  await cluster.detach('asking')
  await vi.waitFor(() => expect(nodeState(cluster.node)).toEqual(before), PATIENCE)
})

describe('an ADD that is refused leaves nothing', () => {
  test.each<[string, object, number, RegExp]>([
    [
      'an address of another node',
      { ips: ['192.0.2.7'] },
      102,
      /^The address 192\.0\.2\.7 asked for/u,
    ],
    [
      'a range of another node',
      { ipRanges: [[{ subnet: '192.0.2.0/24' }]] },
      102,
      /^The range 192\.0\.2\.0-192\.0\.2\.255 asked for is not inside one of this node's ranges/u,
    ],
    ['a MAC address of a group', { mac: '01:00:5e:00:00:01' }, 7, /mac must be the MAC address/u],
  ])('%s', async (_, asked, code, msg) => {
    expect((await add(asked)).body).toMatchObject({ code, msg: expect.stringMatching(msg) })
    expect(nodeState(cluster.node)).toEqual(before)
  })

  test('the container has an interface of that name', async () => {
    run(sandbox.netns, 'ip', 'link', 'add', 'eth0', 'type', 'bridge')
    expect((await add({})).body).toMatchObject({
      code: 100,
      msg: expect.stringContaining('there is an eth0 in'),
    })
    expect(nodeState(cluster.node)).toEqual(before)
    expect(run(sandbox.netns, 'ip', '-br', 'link')).toContain('eth0')
    run(sandbox.netns, 'ip', 'link', 'delete', 'eth0')
  })

  test("the namespace is the node's own", async () => {
    const { netns } = cluster.node
    expect((await add({}, { netns })).body).toMatchObject({
      code: 4,
      msg: `CNI_NETNS is ${netns}, the network namespace of the node itself; a container in it needs no CNI plugin`,
    })
    expect(nodeState(cluster.node)).toEqual(before)
  })

  test('there is no such namespace', async () => {
    expect((await add({}, { netns: '/run/netns/slc-no-such' })).body).toMatchObject({ code: 3 })
    expect(nodeState(cluster.node)).toEqual(before)
  })
})
