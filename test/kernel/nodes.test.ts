import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { vtepMac } from '../../src/pods/nodes/vtep-mac.ts'
import { type Address, familyOf, formatAddress } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'
import { openDatagrams } from './datagrams.ts'
import { TcpPlace } from './tcp-place.ts'
import { linesOf, routesOf } from './node-paths.ts'
import { openThreeNodes, type TestNode, type ThreeNodes } from './three-nodes.ts'
import { until } from './until.ts'

let nodes: ThreeNodes
beforeEach(() => {
  nodes = openThreeNodes('nodes')
})
afterEach(() => {
  nodes.close()
})

const FAMILIES = [0, 1] as const
const ANY = { 4: address('0.0.0.0'), 6: address('::') }

async function connectAll(mode: 'auto' | 'always' = 'auto'): Promise<void> {
  const all = [nodes.a, nodes.b, nodes.c]
  for (const node of all) {
    const remotes = all.filter((other) => other !== node).map(({ facts }) => facts)
    expect(await node.connect(remotes, mode)).toEqual([])
  }
}

/** Whether a datagram with this much payload comes through in one packet all the way. */
async function datagramArrives(
  from: { netns: string; own: Address },
  to: { netns: string; own: Address },
  bytes: number,
): Promise<void> {
  const receiver = openDatagrams(`/run/netns/${to.netns}`, { address: to.own, port: 5000 })
  const sender = openDatagrams(`/run/netns/${from.netns}`, { address: from.own, port: 5001 }, true)
  try {
    await until(`${formatAddress(from.own)} reaches ${formatAddress(to.own)}`, () => {
      sender.send({ address: to.own, port: 5000 }, bytes)
      return receiver.arrived() > 0
    })
  } finally {
    receiver.close()
    sender.close()
  }
}

async function podsReach(from: TestNode, to: TestNode, bytes = 8): Promise<void> {
  for (const family of FAMILIES) {
    const own = from.podAddresses[family]
    const other = to.podAddresses[family]
    const pod = { netns: from.podNetns, own }
    await datagramArrives(pod, { netns: to.podNetns, own: other }, bytes)
  }
}

/** The source that a TCP server sees of a client which leaves the choice to its kernel; both ends have spoken. */
async function sourceSeen(from: string, to: string, server: Address): Promise<string> {
  const [client, listener] = [new TcpPlace(`/run/netns/${from}`), new TcpPlace(`/run/netns/${to}`)]
  try {
    await listener.listen({ address: server, port: 7000 }, true)
    await client.connect(ANY[familyOf(server)], { address: server, port: 7000 }, true)
    await until('both ends have heard', async () => {
      const ends = [...(await client.ends()), ...(await listener.ends())]
      return ends.length === 2 && ends.every(({ received }) => received > 0)
    })
    const [end] = await listener.ends()
    return end?.remote.split(' ')[0] ?? ''
  } finally {
    await Promise.all([client.close(), listener.close()])
  }
}

/** Packets with addresses of pods that the router between the links has seen. */
function podPacketsAtRouter(): number {
  const listed = nodes.router.run('nft list counter inet strict pods')
  return Number(/packets (\d+)/.exec(listed)?.[1])
}

describe('nodes on one link and on another', () => {
  test('are reached directly and through the overlay, by entries that are all programmed', async () => {
    await connectAll()
    expect(routesOf(nodes.a)).toEqual([
      '10.244.2.0/24 via 172.18.1.2 dev eth0 src 172.18.1.1',
      '10.244.3.0/24 via 10.244.3.0 dev sluice-vxlan src 172.18.1.1',
      'fd10:2::/64 via fd18:1::2 dev eth0 src fd18:1::1',
      'fd10:3::/64 via fd10:3:: dev sluice-vxlan src fd18:1::1',
    ])
    const mac = vtepMac('node-c')
    expect(linesOf(nodes.a.run('bridge fdb show dev sluice-vxlan'))).toEqual([
      `${mac} dst 172.18.2.3 self permanent`,
    ])
    expect(linesOf(nodes.a.run('ip neigh show dev sluice-vxlan nud permanent')).toSorted()).toEqual(
      [`10.244.3.0 lladdr ${mac} PERMANENT`, `fd10:3:: lladdr ${mac} PERMANENT`],
    )
    const link = nodes.a.run('ip -d link show sluice-vxlan')
    expect(link).toMatch(/NOARP.*mtu 1450/)
    expect(link).toMatch(/vxlan id 4096 local 172\.18\.1\.1 .*dstport 4789 nolearning/)
    expect(nodes.a.run('cat /proc/sys/net/ipv4/conf/sluice-vxlan/rp_filter')).toBe('2\n')
    expect(nodes.c.run('ip link show sluice-vxlan')).toContain(mac)
  })

  test('pods reach each other in both families, up to their MTU and in one packet', async () => {
    await connectAll()
    for (const from of [nodes.a, nodes.b, nodes.c]) {
      for (const to of [nodes.a, nodes.b, nodes.c]) if (from !== to) await podsReach(from, to)
    }
    const [ip4Headers, ip6Headers] = [28, 48]
    for (const [from, to] of [
      [nodes.a, nodes.b],
      [nodes.a, nodes.c],
      [nodes.c, nodes.b],
    ] as const) {
      const [pod4, pod6] = from.podAddresses
      const [to4, to6] = to.podAddresses
      const { podNetns } = to
      await datagramArrives(
        { netns: from.podNetns, own: pod4 },
        { netns: podNetns, own: to4 },
        1450 - ip4Headers,
      )
      await datagramArrives(
        { netns: from.podNetns, own: pod6 },
        { netns: podNetns, own: to6 },
        1450 - ip6Headers,
      )
    }
    for (const { run } of [nodes.a, nodes.c]) {
      expect(run('grep ^Ip: /proc/net/snmp | tail -1').trim().split(' ').at(19)).toBe('0')
    }
    expect(podPacketsAtRouter()).toBe(0)
  })

  test('TCP between pods keeps their addresses', async () => {
    await connectAll()
    for (const family of FAMILIES) {
      const own = formatAddress(nodes.a.podAddresses[family])
      for (const { podNetns, podAddresses } of [nodes.b, nodes.c]) {
        expect(await sourceSeen(nodes.a.podNetns, podNetns, podAddresses[family])).toBe(own)
      }
    }
  })

  test('a node is its own address to pods, and pods to it, tunnelled or not', async () => {
    await connectAll()
    for (const family of FAMILIES) {
      const own = formatAddress(nodes.a.addresses[family])
      const pod = formatAddress(nodes.a.podAddresses[family])
      for (const { netns, podNetns, podAddresses, addresses } of [nodes.b, nodes.c]) {
        expect(await sourceSeen(nodes.a.netns, podNetns, podAddresses[family])).toBe(own)
        expect(await sourceSeen(nodes.a.podNetns, netns, addresses[family])).toBe(pod)
      }
    }
    expect(podPacketsAtRouter()).toBe(0)
  })

  test('what somebody else masquerades on its way into the overlay has the node’s address', async () => {
    await connectAll()
    nodes.a.run(`
      nft add table inet other
      nft 'add chain inet other post { type nat hook postrouting priority srcnat; }'
      nft add rule inet other post oifname sluice-vxlan masquerade`)
    for (const family of FAMILIES) {
      const { podNetns, podAddresses } = nodes.c
      expect(await sourceSeen(nodes.a.podNetns, podNetns, podAddresses[family])).toBe(
        formatAddress(nodes.a.addresses[family]),
      )
    }
  })
})
