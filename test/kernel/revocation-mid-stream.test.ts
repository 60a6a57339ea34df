import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Address, Family } from '../../src/policy/address.ts'
import {
  echoReply,
  HOST_MAC,
  icmpType,
  openWire,
  tcpFlags,
  tcpPacket,
  watchFrames,
} from './frames.ts'
import { counted, forgetConnections } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { TcpPlace } from './tcp-place.ts'
import { until } from './until.ts'

/** What connection tracking does not know, or knows to be wrong, between pods with and without policy. */
const cluster = new SmallCluster(1)
const FAMILIES = [4, 6] as const
const NAMES = ['server', 'client', 'free', 'freeclient'] as const
type Name = (typeof NAMES)[number]
const PORT = 5000

const places = new Map<Name, TcpPlace>()

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(policy('server', 'server', { ingress: [{ from: apps('client') }] }))
  await cluster.add(...NAMES.map((name) => ({ name })))
  for (const name of NAMES) places.set(name, new TcpPlace(cluster.pod(name).netns))
  for (const family of FAMILIES) {
    for (const name of ['server', 'free'] as const) {
      await place(name).listen({ address: of(name, family), port: PORT }, true)
    }
  }
})

afterAll(async () => {
  await Promise.all([...places.values()].map((one) => one.close()))
  await cluster.stop()
})

beforeEach(() => void forgetConnections(cluster.node.netns, () => true))

test('a connection that tracking forgot: both ends are told, and may begin anew', async () => {
  await connectAll()
  const ends = async () => [
    ...(await place('client').ends()).slice(-2),
    ...(await place('server').ends()).slice(-2),
  ]
  await until('data flows', async () => (await ends()).every(({ received }) => received > 2))
  expect((await ends()).map(({ end }) => end)).toEqual(Array(4).fill(undefined))
  const before = counted(cluster.node.netns, 'mid_stream')

  const gone = forgetConnections(cluster.node.netns, ({ protocol }) => protocol === 6)
  expect(gone).toBe(4)
  await until('both ends have a reset', async () =>
    (await ends()).every(({ end }) => end === 'ECONNRESET'),
  )
  expect(counted(cluster.node.netns, 'mid_stream')).toBeGreaterThanOrEqual(before + 4)

  const free = async () => (await place('freeclient').ends()).slice(-2)
  const heard = (await free()).map(({ received }) => received)
  await until('pods without policy do not notice', async () =>
    (await free()).every(({ received }, at) => received > (heard[at] ?? 0) + 3),
  )
  for (const { end } of await free()) expect(end).toBeUndefined()
  await connectAll()
})

test.each(FAMILIES)('IPv%i: an answer that nobody asked for', async (family) => {
  const seen = { server: watch('server'), free: watch('free') }
  const wire = openWire(cluster.pod('client').netns, 'eth0', HOST_MAC)
  try {
    const before = counted(cluster.node.netns, 'mid_stream')
    wire.send(echoReply({ from: of('client', family), to: of('server', family) }))
    wire.send(echoReply({ from: of('client', family), to: of('free', family) }))
    const isReply = (packet: Buffer): boolean => icmpType(packet) === (family === 4 ? 0 : 129)
    await until('the pod without policy gets it', () => seen.free.packets().some(isReply))
    expect(seen.server.packets().filter(isReply)).toEqual([])
    expect(counted(cluster.node.netns, 'mid_stream')).toBe(before + 1)
  } finally {
    for (const one of [wire, seen.server, seen.free]) one.close()
  }
})

const SYN = 0x02
const FIN = 0x01
const RST = 0x04
const ACK = 0x10

test.each(
  FAMILIES.flatMap((family) => [
    { family, what: 'an ACK out of nowhere', flags: ACK, answer: RST },
    { family, what: 'a SYN-ACK out of nowhere', flags: SYN | ACK, answer: RST },
    // No connection begins so, and tracking calls it invalid.
    { family, what: 'SYN and FIN at once', flags: SYN | FIN, answer: RST },
    { family, what: 'a reset out of nowhere', flags: RST, answer: undefined },
  ]),
)('IPv$family, $what: refused where there is policy', async ({ family, flags, answer }) => {
  const seen = { client: watch('client'), server: watch('server'), free: watch('free') }
  const wire = openWire(cluster.pod('client').netns, 'eth0', HOST_MAC)
  try {
    const before = counted(cluster.node.netns, 'mid_stream')
    const from = of('client', family)
    wire.send(tcpPacket({ from, to: of('server', family) }, 7000, PORT, flags))
    wire.send(tcpPacket({ from, to: of('free', family) }, 7001, PORT, flags))
    const isSent = (packet: Buffer): boolean => tcpFlags(packet).includes(flags)
    await until('the pod without policy gets it', () => seen.free.packets().some(isSent))
    expect(seen.server.packets().filter(isSent)).toEqual([])
    expect(counted(cluster.node.netns, 'mid_stream')).toBe(before + 1)
    // The pod's port tells the answer of the node from that of the pod without policy.
    const answers = seen.client
      .packets()
      .filter((packet) => packet.readUInt16BE((family === 4 ? 20 : 40) + 2) === 7000)
    expect(answers.flatMap(tcpFlags).map((all) => all & RST)).toEqual(
      answer === undefined ? [] : [answer],
    )
  } finally {
    for (const one of [wire, ...Object.values(seen)]) one.close()
  }
})

async function connectAll(): Promise<void> {
  for (const family of FAMILIES) {
    const pairs = [
      ['client', 'server'],
      ['freeclient', 'free'],
    ] as const
    for (const [from, to] of pairs) {
      await place(from).connect(of(from, family), { address: of(to, family), port: PORT }, true)
    }
  }
}

function place(name: Name): TcpPlace {
  const found = places.get(name)
  if (found === undefined) throw new Error(`${name} has no thread.`)
  return found
}

function watch(name: Name) {
  return watchFrames(cluster.pod(name).netns)
}

function of(name: Name, family: Family): Address {
  return ofFamily(cluster.pod(name).addresses, family)
}
