import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { type Address, type Family, formatAddress } from '../../src/policy/address.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { NewFlows } from './new-flows.ts'
import { connectionsOf, elementsOf, forgetConnections, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { TcpPlace } from './tcp-place.ts'
import { until } from './until.ts'

/** An agent that is killed, asked to stop, or away for other reasons, and the one that comes after it. */
const cluster = new SmallCluster(1)
const FAMILIES = [4, 6] as const
const TCP_PORT = 5000
const TALKING = 5001
const FRIEND_PORT = 5002
const FOE_PORT = 5003

const fromFriend = policy('server', 'server', { ingress: [{ from: apps('friend') }] })
const fromNobody = policy('server', 'server', { policyTypes: ['Ingress'] })

let talkers: Record<'server' | 'friend', TcpPlace>
let knockers: Record<'server' | 'friend' | 'foe', Place>
const flows: NewFlows[] = []
const sockets: Datagrams[] = []

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(fromFriend)
  await cluster.add({ name: 'server' }, { name: 'friend' }, { name: 'foe' })
  const netns = (name: string): string => cluster.pod(name).netns
  talkers = { server: new TcpPlace(netns('server')), friend: new TcpPlace(netns('friend')) }
  const knocker = (name: string): Place => new Place({ name, netns: netns(name) })
  knockers = { server: knocker('server'), friend: knocker('friend'), foe: knocker('foe') }
  for (const family of FAMILIES) {
    const address = of('server', family)
    await talkers.server.listen({ address, port: TALKING }, true)
    const service = { protocol: 'TCP', address: formatAddress(address), port: TCP_PORT } as const
    await knockers.server.listen([service])
  }
})

beforeEach(() => void forgetConnections(node(), () => true))
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
  for (const flow of flows.splice(0)) flow.close()
})

afterAll(async () => {
  const threads = [...Object.values(talkers ?? {}), ...Object.values(knockers ?? {})]
  await Promise.all(threads.map((thread) => thread.close()))
  await cluster.stop()
})

test.each(['SIGKILL', 'SIGTERM'] as const)(
  '%s: every verdict stays, new connections included, and the successor adopts them',
  async (signal) => {
    const friends = FAMILIES.map((family) => newFlows('friend', family, FRIEND_PORT))
    const foes = FAMILIES.map((family) => newFlows('foe', family, FOE_PORT))
    for (const family of FAMILIES) await connectTalking(family)
    const streams = async () => (await talkers.friend.ends()).slice(-2)
    const stopKnocking = new AbortController()
    const knocks = Promise.all([
      ...FAMILIES.map((family) => knockOn('friend', family, stopKnocking.signal)),
      ...FAMILIES.map((family) => knockOn('foe', family, stopKnocking.signal)),
    ])

    const { node } = cluster
    const count = (some: readonly NewFlows[]): number => Math.min(...some.map(({ sent }) => sent))
    await until('traffic flows', () => count(friends) > 20)
    await cluster.killAgent(node, signal)
    const atDeath = count(friends)
    const heardAtDeath = (await streams()).map(({ received }) => received)
    await until('some of it without an agent', () => count(friends) > atDeath + 50)
    await cluster.startAgent(node)
    const atStart = count(friends)
    await until('and some with the new one', () => count(friends) > atStart + 50)

    for (const flow of [...friends, ...foes]) flow.stop()
    stopKnocking.abort()
    await until('all of the friend arrived', () => friends.every((one) => one.arrived === one.sent))
    expect(foes.map(({ arrived }) => arrived)).toEqual([0, 0])
    const [friend4, friend6, foe4, foe6] = await knocks
    expect([friend4, friend6].map((kinds) => [...(kinds ?? [])])).toEqual([
      ['answered'],
      ['answered'],
    ])
    expect([foe4, foe6].map((kinds) => [...(kinds ?? [])])).toEqual([
      ['unanswered'],
      ['unanswered'],
    ])
    for (const [place, { end, received }] of (await streams()).entries()) {
      expect(end).toBeUndefined()
      expect(received).toBeGreaterThan((heardAtDeath[place] ?? 0) + 10)
    }
    const ready = await lastReady()
    expect(ready).toMatchObject({ table: 'adopted', kept: 3, released: 0, deleted: 0 })
    expect(ready['replaced']).toBeUndefined()
    if (signal === 'SIGTERM') {
      expect((await cluster.log(node)).map(({ event }) => event)).toContain('agent.stopping')
    }
  },
)

test('what a policy took away meanwhile is cut at the start', async () => {
  for (const family of FAMILIES) await connectTalking(family)
  const streams = async () => (await talkers.friend.ends()).slice(-2)
  const pairs = FAMILIES.map((family) => ({
    family,
    server: open('server', family, FRIEND_PORT),
    client: open('friend', family, 6000),
  }))
  for (const { server, client, family } of pairs) {
    client.send({ address: of('server', family), port: FRIEND_PORT })
    await until('the server hears it', () => server.arrived() === 1)
    server.send({ address: of('friend', family), port: 6000 })
    await until('and is heard', () => client.arrived() === 1)
  }

  await cluster.killAgent(cluster.node)
  await cluster.propose(fromNobody)
  const heard = (await streams()).map(({ received }) => received)
  await until('the connections go on without an agent', async () =>
    (await streams()).every(({ received }, place) => received > (heard[place] ?? 0) + 5),
  )
  await cluster.startAgent(cluster.node)
  expect(await lastReady()).toMatchObject({ table: 'adopted' })
  await until('the connections have a reset', async () =>
    [...(await streams()), ...(await talkers.server.ends()).slice(-2)].every(
      ({ end }) => end === 'ECONNRESET',
    ),
  )
  for (const { family } of pairs) {
    await until('the datagrams are barred', () => elementsOf(node(), `cut${family}`) === 1)
  }
  for (const { server, client, family } of pairs) {
    server.send({ address: of('friend', family), port: 6000 })
    client.send({ address: of('server', family), port: FRIEND_PORT })
  }
  const isTheirs = (address: Address): boolean => cluster.pod('server').addresses.includes(address)
  await until('no packet of them is tracked', () =>
    connectionsOf(node()).every(
      ({ original }) => !isTheirs(original.src) && !isTheirs(original.dst),
    ),
  )
  expect(pairs.flatMap(({ server, client }) => [server.arrived(), client.arrived()])).toEqual([
    0, 0, 0, 0,
  ])
})

test('a bar outlives its agent, and goes when the flow may be again', async () => {
  await cluster.enforce(fromFriend)
  const pairs = FAMILIES.map((family) => ({
    family,
    server: open('server', family, FRIEND_PORT),
    client: open('friend', family, 6001),
  }))
  for (const { server, client, family } of pairs) {
    client.send({ address: of('server', family), port: FRIEND_PORT })
    await until('the server hears it', () => server.arrived() === 1)
  }
  await cluster.enforce(fromNobody)
  for (const { family } of pairs) {
    await until('the flow is barred', () => elementsOf(node(), `cut${family}`) > 0)
  }
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  for (const { server, family } of pairs) {
    expect(elementsOf(node(), `cut${family}`)).toBeGreaterThan(0)
    server.send({ address: of('friend', family), port: 6001 })
  }
  await cluster.enforce(fromFriend)
  for (const { family } of pairs) {
    await until('the bar is gone', () => elementsOf(node(), `cut${family}`) === 0)
  }
  for (const { server, client, family } of pairs) {
    expect(client.arrived()).toBe(0)
    server.send({ address: of('friend', family), port: 6001 })
    await until('the server speaks first', () => client.arrived() === 1)
  }
})

describe('the CNI', () => {
  test('ADD is put off, DEL is done later', async () => {
    await cluster.enforce(fromFriend)
    await cluster.add({ name: 'leaving' })
    const leaving = cluster.pod('leaving')
    const link = linkOf('leaving')
    await cluster.killAgent(cluster.node)
    await cluster.declare({ name: 'coming' })
    await expect(cluster.attach('coming')).rejects.toThrow('(code 11)')
    await cluster.detach('leaving')
    expect(links()).toContain(link)
    expect(readdirSync(join(cluster.node.runDir, 'del'))).toHaveLength(1)

    await cluster.startAgent(cluster.node)
    expect(links()).not.toContain(link)
    expect(readdirSync(join(cluster.node.runDir, 'del'))).toEqual([])
    expect(listed('local4')).not.toContain(formatAddress(ofFamily(leaving.addresses, 4)))
    const coming = await cluster.attach('coming')
    // The address of the one that left rests.
    expect(coming.addresses).not.toEqual(leaving.addresses)
    for (const name of ['server', 'friend', 'foe']) {
      expect(coming.addresses).not.toEqual(cluster.pod(name).addresses)
    }
    for (const name of ['leaving', 'coming']) await cluster.remove(name)
  })

  test('a pod whose interface was taken by hand is released at the start', async () => {
    await cluster.add({ name: 'torn' })
    const { addresses } = cluster.pod('torn')
    await cluster.killAgent(cluster.node)
    run(node(), 'ip', 'link', 'delete', linkOf('torn'))
    await cluster.startAgent(cluster.node)
    expect(await lastReady()).toMatchObject({ table: 'adopted', kept: 3, released: 1 })
    expect(listed('local4')).not.toContain(formatAddress(ofFamily(addresses, 4)))
    expect(listed('local6')).not.toContain(formatAddress(ofFamily(addresses, 6)))
    await cluster.remove('torn')
  })
})

function newFlows(from: string, family: Family, port: number): NewFlows {
  const end = (name: string) => ({ netns: cluster.pod(name).netns, address: of(name, family) })
  const flow = new NewFlows(end(from), end('server'), port, 4)
  flows.push(flow)
  return flow
}

/** New TCP connections one after the other; resolves with the kinds of outcomes there were. */
async function knockOn(
  from: 'friend' | 'foe',
  family: Family,
  stop: AbortSignal,
): Promise<Set<string>> {
  const kinds = new Set<string>()
  while (!stop.aborted) {
    const { kind } = await knockers[from].knock({
      protocol: 'TCP',
      from: formatAddress(of(from, family)),
      to: formatAddress(of('server', family)),
      port: TCP_PORT,
      timeoutMs: from === 'friend' ? 2000 : 100,
    })
    kinds.add(kind)
  }
  return kinds
}

async function connectTalking(family: Family): Promise<void> {
  const to = { address: of('server', family), port: TALKING }
  await talkers.friend.connect(of('friend', family), to, true)
}

async function lastReady(): Promise<Record<string, unknown>> {
  const ready = (await cluster.log(cluster.node)).filter(({ event }) => event === 'agent.ready')
  return ready.at(-1) ?? {}
}

function open(name: string, family: Family, port: number): Datagrams {
  const socket = openDatagrams(cluster.pod(name).netns, { address: of(name, family), port })
  sockets.push(socket)
  return socket
}

function node(): string {
  return cluster.node.netns
}

function of(name: string, family: Family): Address {
  return ofFamily(cluster.pod(name).addresses, family)
}

function linkOf(name: string): string {
  const { containerId } = cluster.pod(name).sandbox
  return attachmentIdOf({ containerId, ifName: 'eth0' })
}

function links(): string {
  return run(node(), 'ip', '-br', 'link')
}

function listed(set: string): string {
  return run(node(), 'nft', 'list', 'set', 'inet', 'sluice', set)
}
