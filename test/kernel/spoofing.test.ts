import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import { type Address, type Family, formatAddress, ip4 } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'
import { type Datagrams, openDatagrams } from './datagrams.ts'
import { arpRequest, HOST_MAC, icmp6Packet, openWire, udpPacket, type Wire } from './frames.ts'
import { counted, linkIn, nft, run } from './node-kernel.ts'
import { ofFamily, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** A pod sends from its own addresses and nothing else, whatever it writes to its wire. */
const cluster = new SmallCluster(1)
const FAMILIES = [4, 6] as const
const PORT = 5000
const LOOPBACK = address('127.0.0.1')
const GATEWAY = address('fe80::1')
const LINK_LOCAL = address('fe80::bad')
const UNSPECIFIED = address('::')
const ALL_NODES = address('ff02::1')
const ALL_ROUTERS = address('ff02::16')

let wire: Wire
let listeners: readonly Datagrams[]
let spoofed: number
let passed: number

beforeAll(async () => {
  await cluster.start()
  await cluster.add({ name: 'liar' }, { name: 'victim' }, { name: 'target' })
  const { netns, addresses } = cluster.node
  wire = openWire(cluster.pod('liar').netns, 'eth0', HOST_MAC)
  // Everything that a packet below could reach.
  listeners = [
    ...cluster.pod('target').addresses.map((own) => listen(cluster.pod('target').netns, own)),
    ...addresses.own.map((own) => listen(netns, own)),
    listen(netns, LOOPBACK),
    listen(netns, UNSPECIFIED, PORT + 1),
  ]
  // What gets past the check is counted here, right behind it.
  nft(
    netns,
    `table inet witness {
      counter passed {}
      chain seen {
        type filter hook prerouting priority raw
        udp dport { ${PORT}, ${PORT + 1} } counter name passed
        iifname "slc*" ip6 saddr { ::, ${formatAddress(LINK_LOCAL)} } counter name passed
      }
    }`,
  )
})

afterAll(async () => {
  wire?.close()
  for (const socket of listeners ?? []) socket.close()
  await cluster.stop()
})

beforeEach(() => {
  for (const socket of listeners) socket.arrived()
  spoofed = counted(cluster.node.netns, 'spoofed')
  passed = witnessed()
})

test.each(FAMILIES)('IPv%i: its own address passes', async (family) => {
  wire.send(udp(of('liar', family), of('target', family)))
  await until('the datagram arrives', () => heard() === 1)
  await expectCounts({ spoofed: 0, passed: 1 })
})

test.each(
  FAMILIES.flatMap((family) => [
    { family, whose: 'another pod', from: () => of('victim', family) },
    { family, whose: 'the target itself', from: () => of('target', family) },
    { family, whose: 'the node', from: () => ofFamily(cluster.node.addresses.own, family) },
    { family, whose: 'the outside world', from: () => cluster.outsideAddress(family) },
  ]),
)('IPv$family: the address of $whose does not', async ({ family, from }) => {
  wire.send(udp(from(), of('target', family)))
  wire.send(udp(from(), ofFamily(cluster.node.addresses.own, family)))
  await expectCounts({ spoofed: 2, passed: 0 })
})

test.each(FAMILIES)('IPv%i: nor inside a flow that another pod has opened', async (family) => {
  const [victim, target] = [of('victim', family), of('target', family)]
  const honest = openDatagrams(cluster.pod('victim').netns, { address: victim, port: 4000 })
  try {
    honest.send({ address: target, port: PORT })
    await until('the datagram arrives', () => heard() === 1)
    // From here on, connection tracking calls the flow established.
    listenerAt(target).send({ address: victim, port: 4000 })
    await until('the answer arrives', () => honest.arrived() === 1)
    wire.send(udp(victim, target))
    await expectCounts({ spoofed: 1, passed: 1 })
  } finally {
    honest.close()
  }
})

test('the loopback of the node is out of reach, also where the node would route it', async () => {
  run(cluster.node.netns, 'sysctl', '-qw', 'net.ipv4.conf.all.route_localnet=1')
  wire.send(udp(of('liar', 4), LOOPBACK))
  wire.send(udp(LOOPBACK, of('target', 4)))
  await expectCounts({ spoofed: 2, passed: 0 })
})

test('what link-local addresses are for passes, and nothing else', async () => {
  const body = Buffer.concat([Buffer.alloc(4), Buffer.alloc(16)])
  const discovery = [133, 135, 136]
  const membership = [131, 132, 143]
  for (const from of [LINK_LOCAL, UNSPECIFIED]) {
    for (const type of discovery) wire.send(icmp6Packet({ from, to: ALL_NODES }, type, body))
    for (const type of membership) wire.send(icmp6Packet({ from, to: ALL_ROUTERS }, type, body, 1))
  }
  await expectCounts({ spoofed: 0, passed: 12 })
})

test.each([
  { what: 'a datagram to a service of the gateway', packet: udpTo(GATEWAY) },
  { what: 'an echo request', packet: icmp6Packet({ from: LINK_LOCAL, to: GATEWAY }, 128) },
  { what: 'a router advertisement', packet: icmp6Packet({ from: LINK_LOCAL, to: ALL_NODES }, 134) },
  { what: 'a redirect', packet: icmp6Packet({ from: LINK_LOCAL, to: GATEWAY }, 137) },
  {
    what: 'a solicitation that came over a router',
    packet: icmp6Packet({ from: LINK_LOCAL, to: GATEWAY }, 135, Buffer.alloc(20), 254),
  },
])('link-local: $what does not pass', async ({ packet }) => {
  wire.send(packet)
  await expectCounts({ spoofed: 1, passed: 0 })
})

test.each(FAMILIES)(
  'IPv%i: nobody outside sends with the address of a pod here',
  async (family) => {
    const node = linkIn(cluster.node.netns, 'eth0')
    const outside = openWire(cluster.outside, 'eth0', node.mac)
    try {
      outside.send(udp(cluster.outsideAddress(family), of('target', family)))
      await until('what is honest arrives', () => heard() === 1)
      outside.send(udp(of('victim', family), of('target', family)))
      outside.send(udp(of('victim', family), ofFamily(cluster.node.addresses.own, family)))
      await expectCounts({ spoofed: 2, passed: 1 })
    } finally {
      outside.close()
    }
  },
)

test('forged ARP does not fill the table of neighbours', async () => {
  const before = neighbours()
  for (let host = 0; host < 1500; host++) {
    wire.sendArp(arpRequest(wire.mac, ip4(0x0a_f4_00_00 + 256 + host), ip4(0xa9_fe_01_01)))
  }
  // What was sent later has been dealt with, so what was sent before it has as well.
  wire.send(udp(of('liar', 4), of('target', 4)))
  await until('a datagram arrives', () => heard() === 1)
  expect(neighbours()).toBeLessThanOrEqual(before + 2)
})

test('a new interface of ours is closed until its address is known', async () => {
  const { netns } = cluster.node
  const name = `slcspoof${process.pid}`
  const strange = `/run/netns/${name}`
  createNamespace(strange)
  try {
    // The kernel's own packets, which may pass, are not the question here.
    run(strange, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1')
    const peer = ['peer', 'name', 'eth0', 'netns', name]
    run(netns, 'ip', 'link', 'add', 'slcnew', 'address', HOST_MAC, 'type', 'veth', ...peer)
    run(strange, 'ip', 'link', 'set', 'eth0', 'up')
    run(netns, 'ip', 'link', 'set', 'slcnew', 'up')
    const stranger = openWire(strange, 'eth0', HOST_MAC)
    for (const family of FAMILIES) {
      const unknown = address(family === 4 ? '10.244.0.200' : 'fd00:10:244::200')
      stranger.send(udp(unknown, of('target', family)))
      stranger.send(udp(of('victim', family), of('target', family)))
    }
    await expectCounts({ spoofed: 4, passed: 0 })
    stranger.close()
  } finally {
    run(netns, 'ip', 'link', 'delete', 'slcnew')
    deleteNamespace(strange)
  }
})

/** Of the packets since the test began, each of which is either dropped here or seen right behind. */
async function expectCounts(wanted: { spoofed: number; passed: number }): Promise<void> {
  const { netns } = cluster.node
  const now = () => ({ spoofed: counted(netns, 'spoofed') - spoofed, passed: witnessed() - passed })
  await until('all packets were looked at', () => {
    const { spoofed: dropped, passed: seen } = now()
    return dropped + seen >= wanted.spoofed + wanted.passed
  })
  expect(now()).toEqual(wanted)
  expect(heard()).toBe(0)
}

function listenerAt(own: Address): Datagrams {
  const listener = listeners[cluster.pod('target').addresses.indexOf(own)]
  if (listener === undefined) throw new Error(`Nobody listens at ${formatAddress(own)}.`)
  return listener
}

/** Datagrams that came since this was last asked, wherever. */
function heard(): number {
  return listeners.reduce((sum, socket) => sum + socket.arrived(), 0)
}

function witnessed(): number {
  const text = run(cluster.node.netns, 'nft', 'list', 'counter', 'inet', 'witness', 'passed')
  return Number(/packets (\d+)/u.exec(text)?.[1])
}

function neighbours(): number {
  return run(cluster.node.netns, 'ip', 'neigh').trim().split('\n').length
}

function listen(netns: string, own: Address, port = PORT): Datagrams {
  return openDatagrams(netns, { address: own, port })
}

function udp(from: Address, to: Address): Buffer {
  return udpPacket({ from, to }, 4000, PORT)
}

function udpTo(to: Address): Buffer {
  return udpPacket({ from: LINK_LOCAL, to }, 4000, PORT + 1)
}

function of(name: string, family: Family): Address {
  return ofFamily(cluster.pod(name).addresses, family)
}
