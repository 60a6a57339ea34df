import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rangesOf } from '../../src/dataplane/ranges.ts'
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { type RemoteNode, setNodeRoutes } from '../../src/pods/node-routes.ts'
import { type Address, type Cidr, parseAddress, parseCidr } from '../../src/policy/address.ts'
import { openDatagrams } from './datagrams.ts'
import { connectionsOf } from './node-kernel.ts'
import { startDataplane } from './start-dataplane.ts'
import { until } from './until.ts'

/** A node between a pod and a link that it shares with other nodes and the world. */
const names = { node: `slc-net-n-${process.pid}`, pod: `slc-net-p-${process.pid}` }
const node = `/run/netns/${names.node}`
let route: NetlinkSocket
let nftables: NetlinkSocket

function address(text: string): Address {
  const read = parseAddress(text)
  if (read === undefined) throw new Error(`${text} in a test is no address.`)
  return read
}

function cidr(text: string): Cidr {
  const read = parseCidr(text)
  if (read === undefined) throw new Error(`${text} in a test is no block.`)
  return read.cidr
}

beforeAll(() => {
  for (const name of Object.values(names)) execFileSync('ip', ['netns', 'add', name])
  const script = `
    ip link add p type veth peer name eth0 netns ${names.pod}
    ip link add world type veth peer name unused
    ip address add 172.18.0.1/24 dev world
    ip address add fd18::1/64 dev world nodad
    ip link set p address ee:ee:ee:ee:ee:ee up
    ip link set world up; ip link set unused up
    ip route add 10.1.0.2 dev p; ip -6 route add fd10:1::2 dev p
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
  route = openNetlink(NETLINK_ROUTE, { netns: node })
  nftables = openNetlink(NETLINK_NETFILTER, { netns: node })
})
afterAll(() => {
  route.close()
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

describe('routes to other nodes', () => {
  const near: RemoteNode = {
    name: 'near',
    podCidrs: [cidr('10.2.0.0/24'), cidr('fd10:2::/64')],
    addresses: [address('172.18.0.2'), address('fd18::2')],
  }

  function ours(): string[] {
    return ['-4', '-6'].flatMap((family) =>
      execFileSync('ip', ['-n', names.node, family, 'route', 'show', 'proto', '83'], {
        encoding: 'utf8',
      })
        .split('\n')
        .map((line) => line.split(' ').slice(0, 5).join(' '))
        .filter((line) => line !== ''),
    )
  }

  test('lead to their pods by their addresses, follow a change and go with the node', () => {
    expect(setNodeRoutes([near], route)).toEqual([])
    expect(ours()).toEqual([
      '10.2.0.0/24 via 172.18.0.2 dev world',
      'fd10:2::/64 via fd18::2 dev world',
    ])
    const moved = { ...near, addresses: [address('172.18.0.3'), address('fd18::2')] }
    expect(setNodeRoutes([moved], route)).toEqual([])
    expect(ours()).toEqual([
      '10.2.0.0/24 via 172.18.0.3 dev world',
      'fd10:2::/64 via fd18::2 dev world',
    ])
    expect(setNodeRoutes([], route)).toEqual([])
    expect(ours()).toEqual([])
  })

  test('a node on no common link is told, the others are reached', () => {
    const far = {
      ...near,
      name: 'far',
      podCidrs: [cidr('10.3.0.0/24')],
      addresses: [address('192.0.2.77')],
    }
    const problems = setNodeRoutes([far, near], route)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(
      /^Pods of node far \(10\.3\.0\.0\/24\) cannot be reached: .*Nodes must share a link\.$/,
    )
    expect(ours()).toHaveLength(2)
    setNodeRoutes([], route)
  })

  test('routes of others are left alone', () => {
    execFileSync('ip', ['-n', names.node, 'route', 'add', '10.9.0.0/24', 'via', '172.18.0.9'])
    setNodeRoutes([], route)
    const all = execFileSync('ip', ['-n', names.node, 'route'], { encoding: 'utf8' })
    expect(all).toContain('10.9.0.0/24 via 172.18.0.9')
  })
})
