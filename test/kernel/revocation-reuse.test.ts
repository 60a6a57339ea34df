import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  createConnection,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
} from '../../src/netlink/conntrack.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { isNativeError } from '../../src/netlink/native.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { type Address, type Family, formatAddress, ip4, ip6 } from '../../src/policy/address.ts'
import { address, cidr } from '../policy/literals.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { connectionsOf, counted, run } from './node-kernel.ts'
import { ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** A node with one address a family for pods: whoever comes next gets the one that was just left. */
const cluster = new SmallCluster(1, {
  podCidrs: [cidr('10.244.0.0/30'), cidr('fd00:10:244::/127')],
})
const FAMILIES = [4, 6] as const
const PORT = 5000
const CLIENT_PORT = 6000

beforeAll(() => cluster.start())
afterAll(() => cluster.stop())

test('nothing that was tracked of the last pod reaches the next one', async () => {
  await cluster.enforce(policy('new', 'new', { policyTypes: ['Ingress', 'Egress'] }))
  await cluster.add({ name: 'old' })
  const { addresses } = cluster.pod('old')
  const clients = new Map(FAMILIES.map((family) => [family, openClient(family)]))
  const olds = new Map(FAMILIES.map((family) => [family, openServer('old', family)]))
  for (const [family, client] of clients) await converse(client, olds.get(family), family)
  for (const [family, client] of clients) await converse(client, olds.get(family), family)
  expect(trackedOf(addresses)).toBe(2)
  await cluster.remove('old')
  await until('all of it is forgotten', () => trackedOf(addresses) === 0)

  await cluster.declare({ name: 'new' })
  expect((await cluster.attach('new')).addresses).toEqual(addresses)

  const before = counted(cluster.node.netns, 'denied_ingress')
  const news = FAMILIES.map((family) => openServer('new', family))
  for (const [family, client] of clients) {
    client.send({ address: ofFamily(addresses, family), port: PORT })
  }
  await until('both were denied', () => {
    return counted(cluster.node.netns, 'denied_ingress') === before + 2
  })
  expect(news.map((server) => server.arrived())).toEqual([0, 0])
  for (const socket of [...clients.values(), ...olds.values(), ...news]) socket.close()
  await cluster.remove('new')
})

describe('while an address is free, nothing is tracked of it: not', () => {
  const addresses = FAMILIES.map((family) => POD[family])

  beforeAll(() => {
    run(node(), 'nft', '-f', join(import.meta.dirname, 'stale-service.nft'))
    for (const family of FAMILIES) {
      const service = formatAddress(SERVICE[family])
      const own = formatAddress(ofFamily(cluster.node.addresses.own, family))
      run(cluster.outside, 'ip', 'route', 'replace', service, 'via', own)
      const outside = formatAddress(cluster.outsideAddress(family))
      run(node(), 'ip', 'route', 'replace', service, 'via', outside)
    }
  })
  afterAll(() => run(node(), 'nft', 'delete', 'table', 'inet', 'stale_service'))

  test.each([
    ['what is sent to it', POD],
    ['what a Service sends there that still has it as endpoint', SERVICE],
  ])('%s, from outside or from the node', async (_, destinations) => {
    const before = seen()
    for (const family of FAMILIES) {
      const to = { address: destinations[family], port: PORT }
      for (const netns of [cluster.outside, node()]) send(netns, family, to)
    }
    // The kernel answers a sender on the node itself at once.
    await until('those from outside came', () => seen() >= before + FAMILIES.length)
    expect(trackedOf(addresses)).toBe(0)
  })

  test.each([
    ['through the node', FARTHER],
    ['to the node', undefined],
  ])('what a machine on the link sends from it, %s', async (_, destinations) => {
    // IPv4 may refuse such a source by itself, where the node is set up so.
    run(node(), 'sh', '-ec', 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done')
    for (const family of FAMILIES) {
      const own = ofFamily(cluster.node.addresses.own, family)
      const to = { address: destinations?.[family] ?? own, port: PORT }
      lendAddress(family)
      run(
        cluster.outside,
        'ip',
        'route',
        'replace',
        formatAddress(FARTHER[family]),
        'via',
        formatAddress(own),
      )
      const back = formatAddress(cluster.outsideAddress(family))
      run(node(), 'ip', 'route', 'replace', formatAddress(FARTHER[family]), 'via', back)
      const before = counted(node(), 'spoofed')
      const socket = openDatagrams(cluster.outside, { address: POD[family], port: 0 })
      socket.send(to)
      await until('it is refused or tracked', () => {
        return counted(node(), 'spoofed') > before || trackedOf(addresses) > 0
      })
      socket.close()
      expect(trackedOf(addresses)).toBe(0)
    }
  })

  test('what an agent that died has left', async () => {
    await cluster.killAgent(cluster.node)
    for (const family of FAMILIES) {
      const client = cluster.outsideAddress(family)
      track(POD[family], POD[family], client)
      // One that names the pod only where replies come from.
      track(SERVICE[family], POD[family], client, CLIENT_PORT + 1)
    }
    expect(trackedOf(addresses)).toBe(4)
    await cluster.startAgent(cluster.node)
    expect(trackedOf(addresses)).toBe(0)
  })
})

/** Packets to the pods' ranges or the Service that came in from outside. */
function seen(): number {
  const text = run(node(), 'nft', 'list', 'counter', 'inet', 'stale_service', 'seen')
  return Number(/packets (\d+)/u.exec(text)?.[1])
}

function send(netns: string, family: Family, to: { address: Address; port: number }): void {
  const socket = openDatagrams(netns, { address: family === 4 ? ip4(0) : ip6(0n), port: 0 })
  try {
    socket.send(to)
  } catch (error) {
    // What the kernel says to a sender on the node itself.
    if (!isNativeError(error) || error.code !== 'EHOSTUNREACH') throw error
  } finally {
    socket.close()
  }
}

function node(): string {
  return cluster.node.netns
}

const POD: Record<Family, Address> = { 4: address('10.244.0.2'), 6: address('fd00:10:244::1') }
const SERVICE: Record<Family, Address> = { 4: address('10.96.0.10'), 6: address('fd00:96::10') }

/** Behind the node for the machine, and behind the machine for the node. */
const FARTHER: Record<Family, Address> = { 4: address('192.0.2.77'), 6: address('2001:db8::77') }

/** The pod's address, on a machine outside. */
function lendAddress(family: Family): void {
  const text = `${formatAddress(POD[family])}/${family === 4 ? 32 : 128}`
  run(cluster.outside, 'ip', 'address', 'replace', text, 'dev', 'lo')
}

/** An established UDP flow of both directions, as the kernel would have it. */
function track(dialled: Address, pod: Address, client: Address, clientPort = CLIENT_PORT): void {
  const socket = openNetlink(NETLINK_NETFILTER, { netns: cluster.node.netns })
  try {
    socket.request(
      createConnection({
        protocol: 17,
        original: { src: client, dst: dialled, sport: clientPort, dport: PORT },
        reply: { src: pod, dst: client, sport: PORT, dport: clientPort },
        zone: 0,
        status: IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED,
        mark: 0,
        timeoutSeconds: 120,
      }),
    )
  } finally {
    socket.close()
  }
}

function trackedOf(addresses: readonly Address[]): number {
  return connectionsOf(cluster.node.netns).filter(({ original, reply }) =>
    addresses.some((one) => [original.src, original.dst, reply.src].includes(one)),
  ).length
}

async function converse(client: Datagrams, server: Datagrams | undefined, family: Family) {
  client.send({ address: ofFamily(cluster.pod('old').addresses, family), port: PORT })
  await until('the pod hears the client', () => server?.arrived() === 1)
  server?.send({ address: cluster.outsideAddress(family), port: CLIENT_PORT })
  await until('the client hears the pod', () => client.arrived() === 1)
}

function openClient(family: Family): Datagrams {
  return openDatagrams(cluster.outside, {
    address: cluster.outsideAddress(family),
    port: CLIENT_PORT,
  })
}

function openServer(name: string, family: Family): Datagrams {
  const pod = cluster.pod(name)
  return openDatagrams(pod.netns, { address: ofFamily(pod.addresses, family), port: PORT })
}
