import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { writeFilesInNamespace } from '../../src/netlink/native.ts'
import type { Connection } from '../../src/netlink/conntrack.ts'
import { type Address, type Family, formatAddress } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'
import { type Datagrams, openDatagrams, type Port } from './datagrams.ts'
import { connectionsOf, counted, elementsOf, forgetConnections, nft } from './node-kernel.ts'
import { tcpFlags, watchFrames } from './frames.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import type { TcpEnd } from './tcp-messages.ts'
import { TcpPlace } from './tcp-place.ts'
import { until } from './until.ts'

/**
 * What is no longer allowed ends, for real: `near` is on the server's node, `far` on another one, and both lose
 * their allowance while `other` keeps its own.
 */
const cluster = new SmallCluster(2)
const FAMILIES = [4, 6] as const
const CLIENTS = ['near', 'far', 'other'] as const
const REVOKED = ['near', 'far'] as const
type Name = (typeof CLIENTS)[number] | 'server'

const SERVICE: Record<Family, Address> = { 4: address('10.96.0.10'), 6: address('fd00:96::10') }

const toServer = (...clients: readonly string[]) =>
  policy('server', 'server', { ingress: [{ from: apps(...clients) }] })
/** The same by the other direction, so that the client's node has to see to it. */
const fromFar = (...servers: readonly string[]) =>
  policy('far', 'far', {
    policyTypes: ['Egress'],
    egress: servers.map((app) => ({ to: apps(app) })),
  })

const allowed = toServer(...CLIENTS)
const narrowed = toServer('other')

let places: Record<Name, TcpPlace>
const sockets: Datagrams[] = []

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(allowed)
  await cluster.add({ name: 'server' }, { name: 'near' }, { name: 'far', on: 1 }, { name: 'other' })
  // As kube-proxy does it, on every node.
  for (const { netns } of cluster.nodes) nft(netns, translation())
  const place = (name: Name): TcpPlace => new TcpPlace(cluster.pod(name).netns)
  places = {
    server: place('server'),
    near: place('near'),
    far: place('far'),
    other: place('other'),
  }
  for (const family of FAMILIES) {
    for (const port of [LISTENING, TALKING]) {
      await places.server.listen({ address: of('server', family), port }, port === TALKING)
    }
  }
})

/** Each test begins with everything allowed and with nothing tracked. */
beforeEach(async () => {
  await cluster.enforce(allowed)
  for (const { netns } of cluster.nodes) forgetConnections(netns, () => true)
})

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

afterAll(async () => {
  await Promise.all(Object.values(places ?? {}).map((place) => place.close()))
  await cluster.stop()
})

const LISTENING = 5001
const TALKING = 5002
const DATAGRAMS = 5000

const ways = [
  {
    way: 'directly',
    target: (family: Family, port: number) => ({ address: of('server', family), port }),
  },
  {
    way: 'through a translated address',
    target: (family: Family, port: number) => ({ address: SERVICE[family], port: port - 4000 }),
  },
]

describe.each(ways)('a client $way', ({ target }) => {
  test.each([
    { talkers: 'both ends', client: true, port: TALKING },
    { talkers: 'the client', client: true, port: LISTENING },
    { talkers: 'the server', client: false, port: TALKING },
  ])('TCP: $talkers talking', async ({ talkers, client, port }) => {
    const before = new Map<Name, number>()
    for (const name of ['server', ...CLIENTS] as const) {
      before.set(name, (await places[name].ends()).length)
    }
    const ends = async (name: Name) => (await places[name].ends()).slice(before.get(name))
    for (const name of CLIENTS) {
      for (const family of FAMILIES) {
        await places[name].connect(of(name, family), target(family, port), client)
      }
    }
    const talksBack = port === TALKING
    await until('data flows on all connections', async () => {
      const heard = [
        ...(client ? await ends('server') : []),
        ...(talksBack ? (await Promise.all(CLIENTS.map(ends))).flat() : []),
      ]
      const streams = (client ? 6 : 0) + (talksBack ? 6 : 0)
      return heard.filter(({ received }) => received >= 5).length === streams
    })

    const changedAtMs = Date.now()
    await cluster.enforce(narrowed)
    const talking = async (): Promise<TcpEnd[]> => [
      ...(client ? (await Promise.all(REVOKED.map(ends))).flat() : []),
      ...(talksBack ? (await ends('server')).filter(isRevoked) : []),
    ]
    await until('every talking end has its reset', async () =>
      (await talking()).every(({ end }) => end === 'ECONNRESET'),
    )
    // An end that only listens cannot be told by a packet; its first own one tells it.
    for (const name of [...REVOKED, 'server'] as const) await places[name].say()
    const revoked = async (): Promise<TcpEnd[]> => [
      ...(await Promise.all(REVOKED.map(ends))).flat(),
      ...(await ends('server')).filter(isRevoked),
    ]
    await until('both ends of all have a reset', async () =>
      (await revoked()).every(({ end }) => end === 'ECONNRESET'),
    )
    const final = await revoked()
    expect(final).toHaveLength(8)
    const lastByteMs = Math.max(...final.map(({ lastReceivedAtMs }) => lastReceivedAtMs))
    console.info(
      `TCP, ${talkers} talking: last byte ${lastByteMs - changedAtMs} ms after the manifest changed`,
    )
    expect(lastByteMs - changedAtMs).toBeLessThan(1000)

    const others = await ends('other')
    await until('the client that stays allowed goes on', async () => {
      if (client) {
        const now = (await ends('server')).filter((end) => !isRevoked(end))
        return now.every(({ received }) => received > 20)
      }
      const now = await ends('other')
      return now.every(({ received }, place) => received > (others[place]?.received ?? 0) + 5)
    })
    for (const { end } of await ends('other')) expect(end).toBeUndefined()
    expect(trackedOfRevoked(6)).toEqual([])
  })

  test.each(FAMILIES)('UDP, IPv%i: neither side revives a flow', async (family) => {
    const own = (name: Name, port: number): Port => ({ address: of(name, family), port })
    const server = open('server', own('server', DATAGRAMS))
    const clients = CLIENTS.map((name, place) => {
      return { name, socket: open(name, own(name, 6000 + family * 10 + place)) }
    })
    const to = target(family, DATAGRAMS)
    const answerTo = (name: Name, port: number): void => server.send(own(name, port))
    for (const { socket } of clients) socket.send(to)
    await arrival(server, CLIENTS.length)
    for (const { name, socket } of clients) {
      answerTo(name, socket.port)
      await arrival(socket, 1)
    }

    await cluster.enforce(narrowed)
    await until('the bars are up', () => elementsOf(cluster.node.netns, `cut${family}`) === 2)
    const revokedBefore = counted(cluster.node.netns, 'revoked')
    const deniedBefore = counted(cluster.node.netns, 'denied_ingress')
    const rounds = 5
    for (let round = 1; round <= rounds; round++) {
      for (const { name, socket } of clients) {
        answerTo(name, socket.port)
        socket.send(to)
      }
      // Each round takes so long that the last ones come after the second look at connections.
      await until('the keepalives of the server were dropped', () => {
        return counted(cluster.node.netns, 'revoked') === revokedBefore + 2 * round
      })
      await until('the packets of the clients were denied', () => {
        return counted(cluster.node.netns, 'denied_ingress') === deniedBefore + 2 * round
      })
    }
    expect(server.arrived()).toBe(rounds)
    expect(clients.map(({ name, socket }) => [name, socket.arrived()])).toEqual([
      ['near', 0],
      ['far', 0],
      ['other', rounds],
    ])
    expect(trackedOfRevoked(17)).toEqual([])

    await cluster.enforce(allowed)
    await until('the bars are gone', () => elementsOf(cluster.node.netns, `cut${family}`) === 0)
    const [near] = clients
    near?.socket.send(to)
    await arrival(server, 1)
    answerTo('near', 6000 + family * 10)
    await until('the answer arrived', () => near?.socket.arrived() === 1)
  })
})

test.each(FAMILIES)('IPv%i: the bar is gone for the server as well', async (family) => {
  const server = open('server', { address: of('server', family), port: DATAGRAMS })
  const near = open('near', { address: of('near', family), port: 6100 })
  near.send({ address: of('server', family), port: DATAGRAMS })
  await arrival(server, 1)
  await cluster.enforce(narrowed)
  await until('the bar is up', () => elementsOf(cluster.node.netns, `cut${family}`) === 1)
  await cluster.enforce(allowed)
  await until('the bar is gone', () => elementsOf(cluster.node.netns, `cut${family}`) === 0)
  server.send({ address: of('near', family), port: 6100 })
  await arrival(near, 1)
})

describe('egress, withdrawn on the node of the client', () => {
  test.each(FAMILIES)('UDP, IPv%i', async (family) => {
    const { netns } = cluster.pod('far').node
    await cluster.enforce(allowed, fromFar('server'))
    const server = open('server', { address: of('server', family), port: DATAGRAMS })
    const far = open('far', { address: of('far', family), port: 6200 })
    const toServer = { address: of('server', family), port: DATAGRAMS }
    const toFar = { address: of('far', family), port: 6200 }
    far.send(toServer)
    await arrival(server, 1)
    server.send(toFar)
    await arrival(far, 1)

    await cluster.enforce(allowed, fromFar())
    await until('the bar is up', () => elementsOf(netns, `cut${family}`) === 1)
    const before = [counted(netns, 'revoked'), counted(netns, 'denied_egress')]
    server.send(toFar)
    far.send(toServer)
    await until('both were dropped', () => {
      const now = [counted(netns, 'revoked'), counted(netns, 'denied_egress')]
      return now.every((count, place) => count === (before[place] ?? 0) + 1)
    })
    expect([server.arrived(), far.arrived()]).toEqual([0, 0])
  })

  test('TCP', async () => {
    await cluster.enforce(allowed, fromFar('server'))
    const before = (await places.far.ends()).length
    for (const family of FAMILIES) {
      const to = { address: of('server', family), port: TALKING }
      await places.far.connect(of('far', family), to, true)
    }
    const fars = async () => (await places.far.ends()).slice(before)
    await until('data flows', async () => (await fars()).every(({ received }) => received > 2))
    await cluster.enforce(allowed, fromFar())
    const servers = async () => (await places.server.ends()).slice(-2)
    await until('both ends have a reset', async () =>
      [...(await fars()), ...(await servers())].every(({ end }) => end === 'ECONNRESET'),
    )
  })
})

test.each(FAMILIES)('IPv%i: a new client with ECN connects', async (family) => {
  const { netns } = cluster.pod('near')
  writeFilesInNamespace(netns, '/proc/sys/net/ipv4', { tcp_ecn: '1' })
  const seen = watchFrames(cluster.pod('server').netns)
  try {
    const to = { address: of('server', family), port: LISTENING }
    await places.near.connect(of('near', family), to, false)
    // The first packet has SYN, ECE and CWR (RFC 3168, section 6.1.1).
    expect(seen.packets().flatMap(tcpFlags)[0]).toBe(0xc2)
  } finally {
    seen.close()
    writeFilesInNamespace(netns, '/proc/sys/net/ipv4', { tcp_ecn: '2' })
  }
})

function of(name: Name, family: Family): Address {
  return ofFamily(cluster.pod(name).addresses, family)
}

function open(name: Name, own: Port): Datagrams {
  const socket = openDatagrams(cluster.pod(name).netns, own)
  sockets.push(socket)
  return socket
}

async function arrival(socket: Datagrams, count: number): Promise<void> {
  let arrived = 0
  await until(`${count} datagrams arrived`, () => {
    arrived += socket.arrived()
    return arrived === count
  })
}

function isRevoked({ remote }: TcpEnd): boolean {
  return !FAMILIES.some((family) => remote.startsWith(`${formatAddress(of('other', family))} `))
}

/** What the node of the server still tracks of the clients that lost their allowance. */
function trackedOfRevoked(protocol: number): Connection[] {
  const theirs = new Set(REVOKED.flatMap((name) => cluster.pod(name).addresses))
  return connectionsOf(cluster.node.netns).filter(
    (one) =>
      one.protocol === protocol && (theirs.has(one.original.src) || theirs.has(one.reply.src)),
  )
}

function translation(): string {
  const [to4, to6] = FAMILIES.map((family) => formatAddress(of('server', family)))
  const [service4, service6] = FAMILIES.map((family) => formatAddress(SERVICE[family]))
  const rules = [DATAGRAMS, LISTENING, TALKING].flatMap((port) => [
    `meta l4proto { tcp, udp } ip daddr ${service4} th dport ${port - 4000} dnat ip to ${to4}:${port}`,
    `meta l4proto { tcp, udp } ip6 daddr ${service6} th dport ${port - 4000} dnat ip6 to [${to6}]:${port}`,
  ])
  return `table inet services {
    chain translate {
      type nat hook prerouting priority dstnat
      ${rules.join('\n')}
    }
  }`
}
