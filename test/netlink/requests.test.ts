import { describe, expect, test } from 'vitest'
import { createConnection, deleteConnection } from '../../src/netlink/conntrack.ts'
import { NLM_F_ACK, NLM_F_REQUEST } from '../../src/netlink/constants.ts'
import { addForwardingEntry, deleteForwardingEntry } from '../../src/netlink/forwarding-entry.ts'
import { addAddress, deleteAddress } from '../../src/netlink/interface-address.ts'
import { addLink, deleteLink, setLink } from '../../src/netlink/link.ts'
import { datagramOf } from '../../src/netlink/message.ts'
import type { Request } from '../../src/netlink/message.ts'
import { addNeighbour, deleteNeighbour } from '../../src/netlink/neighbour.ts'
import { bindLogGroup, configureLogGroup } from '../../src/netlink/nflog.ts'
import { addRoute, deleteRoute, replaceRoute } from '../../src/netlink/route.ts'
import { addRule, deleteRule } from '../../src/netlink/rule.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import { hex } from './bytes.ts'

const pod = ip4(0x0a01_0203)
const other = ip4(0x0a01_0204)
const pod6 = ip6(0xfd00_0000_0000_0000_0000_0000_0000_0001n)
const other6 = ip6(0xfd00_0000_0000_0000_0000_0000_0000_0002n)
const rule = {
  source: { first: ip4(0x0a01_0000), prefix: 16 },
  table: 8383,
  priority: 8383,
  protocol: 83,
}
const udp = {
  protocol: 17,
  original: { src: ip4(0x0a00_0001), dst: ip4(0x0a00_0002), sport: 1000, dport: 53 },
  reply: { src: ip4(0x0a00_0002), dst: ip4(0x0a00_0001), sport: 53, dport: 1000 },
  zone: 3,
  status: 0xe,
  mark: 0,
  timeoutSeconds: 100,
}

/**
 * The bytes of the verbs of `ip` are those that ip(8) of iproute2 sends for the command, as strace shows
 * them; but here nests carry NLA_F_NESTED, the kind of a link ends in NUL, and the sequence number is 1.
 */
const golden: readonly (readonly [verb: string, request: Request, expected: string])[] = [
  [
    'ip link add d0 type dummy',
    addLink({ name: 'd0' }, { kind: 'dummy' }),
    `38 00 00 00 10 00 05 06 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
     07 00 03 00 64 30 00 00 10 00 12 80 0a 00 01 00 64 75 6d 6d 79 00 00 00`,
  ],
  [
    'ip link add slch0 address 02:00:00:00:00:01 mtu 1400 type veth peer name eth0 address 02:00:00:00:00:02',
    addLink(
      { name: 'slch0', mac: '02:00:00:00:00:01', mtu: 1400 },
      { kind: 'veth', peer: { name: 'eth0', mac: '02:00:00:00:00:02' } },
    ),
    `80 00 00 00 10 00 05 06 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
     0a 00 01 00 02 00 00 00 00 01 00 00 08 00 04 00 78 05 00 00 0a 00 03 00 73 6c 63 68 30 00 00 00
     40 00 12 80 09 00 01 00 76 65 74 68 00 00 00 00 30 00 02 80 2c 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00
     00 00 00 00 0a 00 01 00 02 00 00 00 00 02 00 00 09 00 03 00 65 74 68 30 00 00 00 00`,
  ],
  [
    'ip link add d0 numtxqueues 1 numrxqueues 1 type dummy',
    addLink({ name: 'd0', queues: 1 }, { kind: 'dummy' }),
    `48 00 00 00 10 00 05 06 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
     07 00 03 00 64 30 00 00 08 00 1f 00 01 00 00 00 08 00 20 00 01 00 00 00
     10 00 12 80 0a 00 01 00 64 75 6d 6d 79 00 00 00`,
  ],
  [
    'ip link set dev slch0 arp off up (that sends RTM_NEWLINK)',
    setLink(3, { arp: false, up: true }),
    '20 00 00 00 13 00 05 00 01 00 00 00 00 00 00 00 00 00 00 00 03 00 00 00 81 00 00 00 81 00 00 00',
  ],
  [
    'ip link del dev slch0',
    deleteLink(3),
    '20 00 00 00 11 00 05 00 01 00 00 00 00 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 00 00 00 00',
  ],
  [
    'ip addr add 10.1.2.3/32 dev slch0',
    addAddress({ index: 3, address: pod, prefix: 32 }),
    `28 00 00 00 14 00 05 06 01 00 00 00 00 00 00 00 02 20 00 00 03 00 00 00
     08 00 02 00 0a 01 02 03 08 00 01 00 0a 01 02 03`,
  ],
  [
    'ip addr add fd00::1/128 dev slch0 nodad noprefixroute',
    addAddress({ index: 3, address: pod6, prefix: 128, prefixRoute: false }),
    `48 00 00 00 14 00 05 06 01 00 00 00 00 00 00 00 0a 80 00 00 03 00 00 00
     14 00 02 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 08 00 08 00 02 02 00 00
     14 00 01 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01`,
  ],
  [
    'ip addr del 10.1.2.3/32 dev slch0',
    deleteAddress({ index: 3, address: pod, prefix: 32 }),
    `28 00 00 00 15 00 05 00 01 00 00 00 00 00 00 00 02 20 00 00 03 00 00 00
     08 00 02 00 0a 01 02 03 08 00 01 00 0a 01 02 03`,
  ],
  [
    'ip route replace 10.9.0.0/16 via 10.1.2.9 dev slch0 onlink proto 83 src 10.1.2.3',
    replaceRoute({
      destination: { first: ip4(0x0a09_0000), prefix: 16 },
      gateway: ip4(0x0a01_0209),
      link: 3,
      onlink: true,
      protocol: 83,
      source: pod,
    }),
    `3c 00 00 00 18 00 05 05 01 00 00 00 00 00 00 00 02 10 00 00 fe 53 00 01 04 00 00 00
     08 00 01 00 0a 09 00 00 08 00 05 00 0a 01 02 09 08 00 07 00 0a 01 02 03 08 00 04 00 03 00 00 00`,
  ],
  [
    'ip route add 10.1.2.4/32 dev slch0 proto static',
    addRoute({ destination: { first: other, prefix: 32 }, link: 3 }),
    `2c 00 00 00 18 00 05 06 01 00 00 00 00 00 00 00 02 20 00 00 fe 04 fd 01 00 00 00 00
     08 00 01 00 0a 01 02 04 08 00 04 00 03 00 00 00`,
  ],
  [
    'ip -6 route add fd00::2/128 dev slch0 metric 7 proto boot',
    addRoute({ destination: { first: other6, prefix: 128 }, link: 3, metric: 7, protocol: 3 }),
    `40 00 00 00 18 00 05 06 01 00 00 00 00 00 00 00 0a 80 00 00 fe 03 00 01 00 00 00 00
     14 00 01 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 02 08 00 06 00 07 00 00 00
     08 00 04 00 03 00 00 00`,
  ],
  [
    'ip route del 10.1.2.4/32 dev slch0',
    deleteRoute({ destination: { first: other, prefix: 32 }, link: 3 }),
    `2c 00 00 00 19 00 05 00 01 00 00 00 00 00 00 00 02 20 00 00 fe 00 ff 00 00 00 00 00
     08 00 01 00 0a 01 02 04 08 00 04 00 03 00 00 00`,
  ],
  [
    'ip neigh add 10.1.2.4 lladdr 02:00:00:00:00:02 dev slch0 nud permanent',
    addNeighbour({ index: 3, address: other, mac: '02:00:00:00:00:02' }),
    `30 00 00 00 1c 00 05 06 01 00 00 00 00 00 00 00 02 00 00 00 03 00 00 00 80 00 00 00
     08 00 01 00 0a 01 02 04 0a 00 02 00 02 00 00 00 00 02 00 00`,
  ],
  [
    'ip neigh del 10.1.2.4 dev slch0 (that repeats the state)',
    deleteNeighbour({ index: 3, address: other }),
    `24 00 00 00 1d 00 05 00 01 00 00 00 00 00 00 00 02 00 00 00 03 00 00 00 00 00 00 00
     08 00 01 00 0a 01 02 04`,
  ],
  [
    'a new connection',
    createConnection(udp),
    `9c 00 00 00 00 01 05 06 01 00 00 00 00 00 00 00 02 00 00 00
     34 00 01 80 14 00 01 80 08 00 01 00 0a 00 00 01 08 00 02 00 0a 00 00 02
     1c 00 02 80 05 00 01 00 11 00 00 00 06 00 02 00 03 e8 00 00 06 00 03 00 00 35 00 00
     34 00 02 80 14 00 01 80 08 00 01 00 0a 00 00 02 08 00 02 00 0a 00 00 01
     1c 00 02 80 05 00 01 00 11 00 00 00 06 00 02 00 00 35 00 00 06 00 03 00 03 e8 00 00
     08 00 03 00 00 00 00 0e 08 00 07 00 00 00 00 64 08 00 08 00 00 00 00 00 06 00 12 00 00 03 00 00`,
  ],
  [
    'a deleted connection',
    deleteConnection({ ...udp, family: 4, id: 0xdead_beef, master: undefined }),
    `58 00 00 00 02 01 05 00 01 00 00 00 00 00 00 00 02 00 00 00
     34 00 01 80 14 00 01 80 08 00 01 00 0a 00 00 01 08 00 02 00 0a 00 00 02
     1c 00 02 80 05 00 01 00 11 00 00 00 06 00 02 00 03 e8 00 00 06 00 03 00 00 35 00 00
     06 00 12 00 00 03 00 00 08 00 0c 00 de ad be ef`,
  ],
  [
    'ip link add v0 address 02:00:00:00:00:01 mtu 1450 type vxlan id 4096 dstport 4789 local 10.1.2.3 nolearning',
    addLink(
      { name: 'v0', mac: '02:00:00:00:00:01', mtu: 1450 },
      { kind: 'vxlan', vni: 4096, port: 4789, local: pod, learning: false },
    ),
    `70 00 00 00 10 00 05 06 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
     0a 00 01 00 02 00 00 00 00 01 00 00 08 00 04 00 aa 05 00 00 07 00 03 00 76 30 00 00 34 00 12 80
     0a 00 01 00 76 78 6c 61 6e 00 00 00 24 00 02 80 08 00 01 00 00 10 00 00 08 00 04 00 0a 01 02 03
     05 00 07 00 00 00 00 00 06 00 0f 00 12 b5 00 00`,
  ],
  [
    'ip link add v6 type vxlan id 4096 dstport 4789 local fd00::1 nolearning',
    addLink({ name: 'v6' }, { kind: 'vxlan', vni: 4096, port: 4789, local: pod6, learning: false }),
    `68 00 00 00 10 00 05 06 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
     07 00 03 00 76 36 00 00 40 00 12 80 0a 00 01 00 76 78 6c 61 6e 00 00 00 30 00 02 80 08 00 01 00
     00 10 00 00 14 00 11 00 fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 05 00 07 00 00 00 00 00
     06 00 0f 00 12 b5 00 00`,
  ],
  [
    'bridge fdb add 02:00:00:00:00:02 dev slch0 dst 10.1.2.4',
    addForwardingEntry({ index: 3, mac: '02:00:00:00:00:02', destination: other }),
    `30 00 00 00 1c 00 05 06 01 00 00 00 00 00 00 00 07 00 00 00 03 00 00 00 c0 00 02 00 0a 00 02 00
     02 00 00 00 00 02 00 00 08 00 01 00 0a 01 02 04`,
  ],
  [
    'bridge fdb del 02:00:00:00:00:02 dev slch0 dst 10.1.2.4',
    deleteForwardingEntry({ index: 3, mac: '02:00:00:00:00:02', destination: other }),
    `30 00 00 00 1d 00 05 00 01 00 00 00 00 00 00 00 07 00 00 00 03 00 00 00 c0 00 02 00 0a 00 02 00
     02 00 00 00 00 02 00 00 08 00 01 00 0a 01 02 04`,
  ],
  [
    'ip rule add from 10.1.0.0/16 lookup 8383 pref 8383 protocol 83',
    addRule(rule),
    `3c 00 00 00 20 00 05 06 01 00 00 00 00 00 00 00 02 00 10 00 00 00 00 01 00 00 00 00 08 00 02 00
     0a 01 00 00 08 00 0f 00 bf 20 00 00 08 00 06 00 bf 20 00 00 05 00 15 00 53 00 00 00`,
  ],
  [
    'ip rule del from 10.1.0.0/16 lookup 8383 pref 8383 protocol 83',
    deleteRule(rule),
    `3c 00 00 00 21 00 05 00 01 00 00 00 00 00 00 00 02 00 10 00 00 00 00 00 00 00 00 00 08 00 02 00
     0a 01 00 00 08 00 0f 00 bf 20 00 00 08 00 06 00 bf 20 00 00 05 00 15 00 53 00 00 00`,
  ],
  [
    'a bound log group',
    bindLogGroup(7),
    '1c 00 00 00 01 04 05 00 01 00 00 00 00 00 00 00 00 00 00 07 05 00 01 00 01 00 00 00',
  ],
  [
    'a configured log group',
    configureLogGroup(7, { copyBytes: 96, queuePackets: 32, flushCentiseconds: 10 }),
    `38 00 00 00 01 04 05 00 01 00 00 00 00 00 00 00 00 00 00 07
     0a 00 02 00 00 00 00 60 02 00 00 00 08 00 05 00 00 00 00 20 08 00 04 00 00 00 00 0a
     06 00 06 00 00 01 00 00`,
  ],
]

describe('requests byte for byte', () => {
  test.each(golden)('%s', (_, request, expected) => {
    expect(hex(datagramOf([request], 1, () => NLM_F_REQUEST | NLM_F_ACK))).toBe(
      expected.replaceAll(/\s+/g, ' '),
    )
  })
})

test('a MAC address of the wrong form is refused before anything is sent', () => {
  const link = { index: 3, address: pod }
  for (const mac of ['', '02:00:00:00:00', '02:00:00:00:00:0g', '2:0:0:0:0:1', '020000000001']) {
    expect(() => addNeighbour({ ...link, mac })).toThrow('is no MAC address')
  }
})

test('a table above 255 goes into RTA_TABLE', () => {
  const route = { destination: { first: ip4(0), prefix: 0 }, link: 3, table: 1000 }
  expect(hex(addRoute(route).header)).toBe('02 00 00 00 00 04 fd 01 00 00 00 00')
  expect(hex(addRoute(route).attributes)).toBe('08 00 04 00 03 00 00 00 08 00 0f 00 e8 03 00 00')
})
