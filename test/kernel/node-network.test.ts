import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rangesOf } from '../../src/dataplane/ranges.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { address, cidr } from '../policy/literals.ts'
import { openDatagrams } from './datagrams.ts'
import { connectionsOf } from './node-kernel.ts'
import { startDataplane } from './start-dataplane.ts'
import { until } from './until.ts'

/** A node between a pod and a link that it shares with other nodes and the world. */
const names = { node: `slc-net-n-${process.pid}`, pod: `slc-net-p-${process.pid}` }
const node = `/run/netns/${names.node}`
let nftables: NetlinkSocket

beforeAll(() => {
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'add', name])
  const script = `
    ip link add slcp type veth peer name eth0 netns ${names.pod}
    ip link add world type veth peer name unused
    ip address add 172.18.0.1/24 dev world
    ip address add fd18::1/64 dev world nodad
    ip link set slcp address ee:ee:ee:ee:ee:ee up
    ip link set world up; ip link set unused up
    ip route add 10.1.0.2 dev slcp; ip -6 route add fd10:1::2 dev slcp
    ip neigh add 172.18.0.9 lladdr 02:00:00:00:00:09 dev world
    ip neigh add fd18::9 lladdr 02:00:00:00:00:09 dev world
    ip route add default via 172.18.0.9; ip -6 route add default via fd18::9
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
    ip netns exec ${names.pod} sh -ec '
      ip link set eth0 up
      ip address add 10.1.0.2/32 dev eth0; ip address add fd10:1::2/128 dev eth0 nodad
      ip neigh add 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0
      ip neigh add fe80::1 lladdr ee:ee:ee:ee:ee:ee dev eth0
      ip route add 169.254.1.1 dev eth0
      ip route add default via 169.254.1.1; ip -6 route add default via fe80::1 dev eth0'
  `
  execFileSync('ip', ['netns', 'exec', names.node, 'sh', '-ec', script], { stdio: 'pipe' })
  nftables = openNetlink(NETLINK_NETFILTER, { netns: node })
})
afterAll(() => {
  nftables.close()
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'delete', name])
})

describe('masquerade', () => {
  const ranges = rangesOf(
    [cidr('10.1.0.0/24'), cidr('fd10:1::/64')],
    ['10.1.0.0/24', '10.2.0.0/24', '172.18.0.1/32', 'fd10::/16', 'fd18::1/128'].map(cidr),
  )

  test.each([
    ['10.1.0.2', '203.0.113.7', '172.18.0.1'],
    ['10.1.0.2', '10.2.0.5', '10.1.0.2'],
    ['fd10:1::2', '2001:db8::7', 'fd18::1'],
    ['fd10:1::2', 'fd10:2::5', 'fd10:1::2'],
  ])('what %s sends to %s comes from %s', async (from, to, seenFrom) => {
    const { dataplane } = await startDataplane(nftables, { events: [], ranges })
    await dataplane.setRanges(ranges)
    const addresses = ['10.1.0.2', 'fd10:1::2'].map(address)
    await dataplane.attach({ addresses, hostInterface: 'slcp', hostPorts: [] })
    const socket = openDatagrams(`/run/netns/${names.pod}`, { address: address(from), port: 4000 })
    try {
      await until(`${to} is tracked`, () => {
        socket.send({ address: address(to), port: 9 })
        const found = connectionsOf(node).find(({ original }) => original.dst === address(to))
        if (found === undefined) return false
        expect(found.reply.dst).toBe(address(seenFrom))
        return true
      })
    } finally {
      socket.close()
    }
  })

  test('ranges may overlap, change and go', async () => {
    const { dataplane } = await startDataplane(nftables, { events: [], ranges })
    await dataplane.setRanges(rangesOf([cidr('10.0.0.0/8'), cidr('10.1.0.0/16')], []))
    expect(dataplane.state.ranges.pods[4]).toHaveLength(1)
    await dataplane.setRanges(rangesOf([], []))
    const listed = execFileSync('ip', ['netns', 'exec', names.node, 'nft', 'list', 'ruleset'], {
      encoding: 'utf8',
    })
    expect(listed).toMatch(/set pod_ranges4 \{\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\}/)
  })
})
