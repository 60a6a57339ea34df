import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createConnection,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
} from '../../src/netlink/conntrack.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { type Address, type Family, parseAddress, parseCidr } from '../../src/policy/address.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { connectionsOf, counted } from './node-kernel.ts'
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
  expect(trackedOf(addresses)).toBe(0)

  await cluster.declare({ name: 'new' })
  // As if packets had gone on; and one that names the pod only where replies come from.
  for (const family of FAMILIES) {
    const [pod, client] = [ofFamily(addresses, family), cluster.outsideAddress(family)]
    track(pod, pod, client)
    track(SERVICE[family], pod, client, CLIENT_PORT + 1)
  }
  expect(trackedOf(addresses)).toBe(4)
  expect((await cluster.attach('new')).addresses).toEqual(addresses)
  expect(trackedOf(addresses)).toBe(0)

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
})

const SERVICE: Record<Family, Address> = { 4: address('10.96.0.10'), 6: address('fd00:96::10') }

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

function cidr(text: string) {
  const read = parseCidr(text)
  if (read === undefined) throw new Error(`${text} is no range.`)
  return read.cidr
}

function address(text: string): Address {
  const read = parseAddress(text)
  if (read === undefined) throw new Error(`${text} is no address.`)
  return read
}
