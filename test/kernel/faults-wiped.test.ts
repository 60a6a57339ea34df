import { rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { arrives } from './arrives.ts'
import { callCni } from './cni-call.ts'
import { NewFlows } from './new-flows.ts'
import { type NodeState, nodeState } from './node-state.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** Records of pods that run are wiped or damaged while no agent runs: interfaces, routes and source tell enough. */
const cluster = new SmallCluster(1)
const PODS = ['server', 'friend', 'foe']
const FAMILIES = [4, 6] as const
const FRIEND_PORT = 6000
const FOE_PORT = 6001
const FLOW_EVERY_MS = 4
const runtimeConfig = {
  portMappings: [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostPort: 8081, containerPort: 80, protocol: 'udp', hostIP: '0.0.0.0' },
  ],
}

let empty: NodeState
let friend: NewFlows[] = []
let foe: NewFlows[] = []

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(policy('all', undefined, { ingress: [{ from: apps('friend') }] }))
  empty = nodeState(cluster.node)
  await cluster.add({ name: 'server', runtimeConfig }, { name: 'friend' }, { name: 'foe' })
})

afterEach(() => {
  for (const flow of [...friend, ...foe]) flow.close()
})

afterAll(() => cluster.stop())

test.each([
  ['wiped', () => rmSync(recordDirectory(), { recursive: true })],
  ['damaged', () => PODS.forEach(cutShort)],
])('records are %s: traffic and verdicts go on, and nothing is given twice', async (_, lose) => {
  const running = kernelState()
  friend = flowsFrom('friend', FRIEND_PORT)
  foe = flowsFrom('foe', FOE_PORT)
  await flow()

  await cluster.killAgent(cluster.node)
  lose()
  await cluster.startAgent(cluster.node)
  await flow()
  await expectVerdicts()
  expect(kernelState()).toEqual(running)
  expect(nodeState(cluster.node).records).toHaveLength(3)
  for (const name of PODS) {
    expect(await check(name), name).toEqual({ exitCode: 0, body: undefined })
  }

  await cluster.add({ name: 'new0' }, { name: 'new1' })
  const all = [...PODS, 'new0', 'new1'].flatMap((name) => addressesOf(name))
  expect(new Set(all).size).toBe(all.length)
  expect(await arrives(cluster, 'friend', 'new0', 4)).toBe(true)
  expect(await arrives(cluster, 'foe', 'new1', 6)).toBe(false)
  await cluster.remove('new0')
  await cluster.remove('new1')
  await vi.waitFor(() => expect(kernelState()).toEqual(running))
})

test('host ports of a pod whose record was lost are taken', async () => {
  await cluster.declare({ name: 'rival' })
  const answer = await callCni(cluster.node, 'ADD', cluster.pod('rival').sandbox, { runtimeConfig })
  expect(answer).toMatchObject({ exitCode: 1, body: { msg: expect.stringContaining('8080') } })
  await cluster.remove('rival')
})

test('GC takes away those that it does not list, and leaves the others', async () => {
  const stays = ['server', 'foe'].map((name) => ({
    containerID: cluster.pod(name).sandbox.containerId,
    ifname: 'eth0',
  }))
  const answer = await callCni(cluster.node, 'GC', undefined, {
    'cni.dev/valid-attachments': stays,
  })
  expect(answer).toEqual({ exitCode: 0, body: undefined })
  await vi.waitFor(() => expect(nodeState(cluster.node).records).toHaveLength(2))
  expect(kernelState().links.join()).not.toContain(idOf('friend'))
})

test('DEL finds them by container and interface, and leaves nothing', async () => {
  for (const name of PODS) await cluster.remove(name)
  await vi.waitFor(() => expect(nodeState(cluster.node)).toEqual(empty))
})

test('an interface that nobody knows goes', async () => {
  await cluster.declare({ name: 'nameless' })
  // The source is never told of its addresses.
  await cluster.attach('nameless')
  await cluster.killAgent(cluster.node)
  rmSync(recordDirectory(), { recursive: true })
  await cluster.startAgent(cluster.node)
  expect(nodeState(cluster.node)).toEqual(empty)
})

function recordDirectory(): string {
  return join(cluster.node.runDir, 'pods')
}

function cutShort(name: string): void {
  truncateSync(join(recordDirectory(), `${idOf(name)}.json`), 20)
}

/** What is in the kernel. */
function kernelState(): Omit<NodeState, 'records' | 'queuedDeletions'> {
  const { records: _, queuedDeletions: __, ...kernel } = nodeState(cluster.node)
  return kernel
}

/** New flows to the server, in both families. */
function flowsFrom(name: string, port: number): NewFlows[] {
  return FAMILIES.map((family) => {
    const end = (pod: string) => {
      const { netns, addresses } = cluster.pod(pod)
      return { netns, address: ofFamily(addresses, family) }
    }
    return new NewFlows(end(name), end('server'), port, FLOW_EVERY_MS)
  })
}

async function flow(): Promise<void> {
  const sent = (): number => Math.min(...[...friend, ...foe].map((one) => one.sent))
  const before = sent()
  await until('packets flow', () => sent() > before + 50)
}

async function expectVerdicts(): Promise<void> {
  for (const one of [...friend, ...foe]) one.stop()
  await until('all of the friend arrived', () => friend.every((one) => one.arrived === one.sent))
  expect(foe.map(({ arrived }) => arrived)).toEqual([0, 0])
}

function addressesOf(name: string): string[] {
  return cluster.pod(name).addresses.map(formatAddress)
}

function idOf(name: string): string {
  return attachmentIdOf({ containerId: cluster.pod(name).sandbox.containerId, ifName: 'eth0' })
}

function check(name: string): ReturnType<typeof callCni> {
  const { sandbox } = cluster.pod(name)
  const prevResult = {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'eth0', sandbox: sandbox.netns }],
    ips: addressesOf(name).map((address) => ({
      address: `${address}/${address.includes(':') ? 128 : 32}`,
      interface: 0,
    })),
  }
  return callCni(cluster.node, 'CHECK', sandbox, { prevResult })
}
