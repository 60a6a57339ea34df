import { closeSync, openSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { addAddress, deleteAddress, listAddresses } from '../../src/netlink/interface-address.ts'
import {
  addLink,
  deleteLink,
  findLink,
  listLinks,
  readLink,
  setLink,
} from '../../src/netlink/link.ts'
import type { Link } from '../../src/netlink/link.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { addNeighbour, deleteNeighbour, listNeighbours } from '../../src/netlink/neighbour.ts'
import {
  addRoute,
  deleteRoute,
  listRoutes,
  replaceRoute,
  RTPROT_SLUICE,
} from '../../src/netlink/route.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { subscribe } from '../../src/netlink/subscribe.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import { ip, openNamespaces, pathOf } from './netlink-namespaces.ts'
import { refusal } from './refusal.ts'

const RTNLGRP_LINK = 1
const PAIR = { kind: 'veth', peer: { name: 'd0p' } } as const

const HOST_MAC = '02:00:00:00:00:01'
const POD_MAC = '02:00:00:00:00:02'
const pod = ip4(0x0a01_0203)
const other = ip4(0x0a01_0204)
const pod6 = ip6(0xfd00_0000_0000_0000_0000_0000_0000_0001n)
const other6 = ip6(0xfd00_0000_0000_0000_0000_0000_0000_0002n)

let namespaces: ReturnType<typeof openNamespaces>
let node = ''
let inside = ''
let socket: NetlinkSocket
let podSocket: NetlinkSocket

beforeAll(() => {
  namespaces = openNamespaces('n', 'p')
  ;[node = '', inside = ''] = namespaces.names
  socket = openNetlink(NETLINK_ROUTE, { netns: pathOf(node) })
  podSocket = openNetlink(NETLINK_ROUTE, { netns: pathOf(inside) })
})

afterAll(() => {
  podSocket?.close()
  socket?.close()
  namespaces?.close()
})

beforeEach(() => {
  for (const each of [socket, podSocket]) {
    for (const { index, kind } of listLinks(each)) {
      if (kind && findLink(each, index)) each.request(deleteLink(index))
    }
  }
  socket.requests(listRoutes(socket, { family: 4 }).map(deleteRoute))
})

function addVeth(): Link {
  const fd = openSync(pathOf(inside), 'r')
  try {
    socket.request(
      addLink(
        { name: 'slc0', mac: HOST_MAC, mtu: 1400, arp: false, up: true },
        { kind: 'veth', peer: { name: 'eth0', mac: POD_MAC, mtu: 1300, netns: { fd } } },
      ),
    )
  } finally {
    closeSync(fd)
  }
  return linkOf(socket, 'slc0')
}

/** One of two ends in one namespace: not every kernel has dummy links. */
function addPair(): Link {
  socket.request(addLink({ name: 'd0', up: true }, PAIR))
  socket.request(setLink('d0p', { up: true }))
  return linkOf(socket, 'd0')
}

function linkOf(where: NetlinkSocket, name: string): Link {
  const link = findLink(where, name)
  if (!link) throw new Error(`There is no link ${name}.`)
  return link
}

describe('links', () => {
  test('a pair of ends in two namespaces, made by one request', () => {
    const host = addVeth()
    const peer = linkOf(podSocket, 'eth0')
    expect(ip(node, 'link', 'show', 'slc0')).toMatchObject([
      {
        ifindex: host.index,
        mtu: 1400,
        address: HOST_MAC,
        flags: expect.arrayContaining(['NOARP', 'UP']),
        linkinfo: { info_kind: 'veth' },
      },
    ])
    expect(ip(inside, 'link', 'show', 'eth0')).toMatchObject([
      {
        ifindex: peer.index,
        mtu: 1300,
        address: POD_MAC,
        flags: expect.not.arrayContaining(['UP']),
      },
    ])
    expect(host).toEqual({
      index: host.index,
      name: 'slc0',
      up: true,
      arp: false,
      mtu: 1400,
      mac: HOST_MAC,
      kind: 'veth',
      master: undefined,
      peer: peer.index,
      vlanFiltering: false,
      vxlan: undefined,
    })
    expect(peer).toMatchObject({ up: false, arp: true, mtu: 1300, mac: POD_MAC, peer: host.index })
  })

  test('are changed by index or by name', () => {
    const { index } = addPair()
    socket.request(setLink('d0', { mtu: 1280, mac: POD_MAC, up: false, arp: false }))
    expect(findLink(socket, index)).toMatchObject({
      mtu: 1280,
      mac: POD_MAC,
      up: false,
      arp: false,
    })
    socket.request(setLink(index, { name: 'd1', arp: true, up: true }))
    expect(linkOf(socket, 'd1')).toMatchObject({ index, arp: true, up: true, mtu: 1280 })
    expect(findLink(socket, 'd0')).toBeUndefined()
  })

  test('belong to a bridge and leave it', () => {
    socket.request(addLink({ name: 'br0' }, { kind: 'bridge' }))
    const bridge = linkOf(socket, 'br0')
    const { index } = addVeth()
    socket.request(setLink(index, { master: bridge.index }))
    expect(linkOf(socket, 'slc0').master).toBe(bridge.index)
    expect(ip(node, 'link', 'show', 'master', 'br0')).toHaveLength(1)
    socket.request(setLink(index, { master: 0 }))
    expect(linkOf(socket, 'slc0').master).toBeUndefined()
  })

  test('move to another namespace', () => {
    const { index } = addPair()
    const fd = openSync(pathOf(inside), 'r')
    try {
      socket.request(setLink(index, { netns: { fd } }))
    } finally {
      closeSync(fd)
    }
    expect(findLink(socket, 'd0')).toBeUndefined()
    expect(linkOf(podSocket, 'd0').kind).toBe('veth')
  })

  test('get the index asked for', () => {
    socket.request(addLink({ name: 'd7', index: 777 }, PAIR))
    expect(linkOf(socket, 'd7').index).toBe(777)
  })

  test('are listed as ip lists them', () => {
    addVeth()
    addPair()
    const listed = ip(node, 'link').map(({ ifindex, ifname, mtu }) => ({
      index: ifindex,
      name: ifname,
      mtu,
    }))
    expect(listLinks(socket).map(({ index, name, mtu }) => ({ index, name, mtu }))).toEqual(listed)
  })

  test('both ends go at once', () => {
    addVeth()
    socket.request(deleteLink('slc0'))
    expect(findLink(socket, 'slc0')).toBeUndefined()
    expect(findLink(podSocket, 'eth0')).toBeUndefined()
    expect(refusal(() => socket.request(deleteLink('slc0'))).code).toBe('ENODEV')
    expect(findLink(socket, 4242)).toBeUndefined()
  })
})

describe('addresses', () => {
  test('are usable at once, with or without the route of their prefix', () => {
    const { index } = addPair()
    socket.requests([
      addAddress({ index, address: pod, prefix: 24 }),
      addAddress({ index, address: other, prefix: 16, prefixRoute: false }),
      addAddress({ index, address: pod6, prefix: 64, prefixRoute: false }),
      addAddress({ index, address: other6, prefix: 128 }),
    ])
    expect(ip(node, 'address', 'show', 'dev', 'd0')).toMatchObject([
      {
        addr_info: expect.arrayContaining([
          expect.objectContaining({ local: '10.1.2.3', prefixlen: 24, scope: '0' }),
          expect.objectContaining({ local: '10.1.2.4', prefixlen: 16, noprefixroute: true }),
          expect.objectContaining({
            local: 'fd00::1',
            prefixlen: 64,
            nodad: true,
            noprefixroute: true,
          }),
          expect.objectContaining({ local: 'fd00::2', prefixlen: 128, nodad: true }),
        ]),
      },
    ])
    expect(ip(node, 'address', 'show', 'dev', 'd0', 'tentative', 'to', 'fd00::/16')).toEqual([])
    expect(ip(node, 'route').map(({ dst }) => dst)).toEqual(['10.1.2.0/24'])
  })

  test('are listed, of one link or of all, and deleted', () => {
    const { index } = addPair()
    const four = { index, address: pod, prefix: 32 }
    const six = { index, address: pod6, prefix: 128 }
    socket.requests([addAddress(four), addAddress(six)])
    expect(listAddresses(socket, index)).toEqual(expect.arrayContaining([four, six]))
    expect(listAddresses(socket)).toEqual(expect.arrayContaining([four, six]))
    expect(refusal(() => socket.request(addAddress(four))).code).toBe('EEXIST')
    socket.requests([deleteAddress(four), deleteAddress(six)])
    expect(listAddresses(socket, index)).not.toContainEqual(four)
    expect(listAddresses(socket, index)).not.toContainEqual(six)
    expect(refusal(() => socket.request(deleteAddress(four))).code).toBe('EADDRNOTAVAIL')
  })
})

describe('routes', () => {
  test('to a host on a link, over a gateway and to nowhere', () => {
    const { index } = addPair()
    socket.requests([
      addAddress({ index, address: pod, prefix: 32 }),
      addAddress({ index, address: pod6, prefix: 128 }),
      addRoute({ destination: { first: other, prefix: 32 }, link: index, protocol: RTPROT_SLUICE }),
      addRoute({
        destination: { first: ip4(0), prefix: 0 },
        gateway: ip4(0xa9fe_0101),
        link: index,
        onlink: true,
        source: pod,
      }),
      addRoute({
        destination: { first: ip4(0x0a09_0000), prefix: 16 },
        type: 'blackhole',
        metric: 9,
      }),
      addRoute({ destination: { first: other6, prefix: 128 }, link: index, metric: 7 }),
      addRoute({
        destination: { first: ip6(0n), prefix: 0 },
        gateway: ip6((0xfe80n << 112n) | 1n),
        link: index,
        onlink: true,
      }),
    ])
    expect(ip(node, 'route')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: '10.1.2.4', dev: 'd0', protocol: '83', scope: '253' }),
        expect.objectContaining({
          dst: 'default',
          gateway: '169.254.1.1',
          dev: 'd0',
          protocol: '4',
          prefsrc: '10.1.2.3',
          flags: ['onlink'],
        }),
        expect.objectContaining({ type: '6', dst: '10.9.0.0/16', metric: 9 }),
      ]),
    )
    expect(ip(node, '-6', 'route')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: 'fd00::2', dev: 'd0', metric: 7 }),
        expect.objectContaining({
          dst: 'default',
          gateway: 'fe80::1',
          dev: 'd0',
          flags: ['onlink'],
        }),
      ]),
    )
  })

  test('are listed with their details, by table, protocol and link', () => {
    const { index } = addPair()
    socket.request(addAddress({ index, address: pod, prefix: 32 }))
    const ours = {
      destination: { first: ip4(0x0a09_0000), prefix: 16 },
      gateway: ip4(0xa9fe_0101),
      link: index,
      onlink: true,
      source: pod,
      table: 254,
      protocol: RTPROT_SLUICE,
      metric: 5,
      type: 'unicast',
    } as const
    const foreign = { destination: { first: other, prefix: 32 }, link: index }
    const elsewhere = { ...foreign, table: 1000, protocol: RTPROT_SLUICE }
    socket.requests([ours, foreign, elsewhere].map(addRoute))
    expect(listRoutes(socket, { family: 4, protocol: RTPROT_SLUICE })).toEqual([ours])
    expect(listRoutes(socket, { family: 4, link: index })).toHaveLength(2)
    expect(listRoutes(socket, { family: 4, link: 1 })).toEqual([])
    expect(listRoutes(socket, { family: 4, table: 1000 })).toMatchObject([elsewhere])
    expect(listRoutes(socket, { family: 4, table: 2000 })).toEqual([])
    expect(listRoutes(socket, { family: 6, table: 2000 })).toEqual([])
  })

  test('are replaced and deleted', () => {
    const { index } = addPair()
    const route = { destination: { first: other, prefix: 32 }, link: index }
    socket.request(addRoute(route))
    expect(refusal(() => socket.request(addRoute(route))).code).toBe('EEXIST')
    socket.request(replaceRoute({ ...route, protocol: RTPROT_SLUICE }))
    expect(ip(node, 'route')).toMatchObject([{ dst: '10.1.2.4', protocol: '83' }])
    socket.request(deleteRoute(route))
    expect(ip(node, 'route')).toEqual([])
    expect(refusal(() => socket.request(deleteRoute(route))).code).toBe('ESRCH')
  })
})

describe('neighbours', () => {
  test('are permanent, listed and deleted', () => {
    const { index } = addVeth()
    socket.requests([
      addNeighbour({ index, address: pod, mac: POD_MAC }),
      addNeighbour({ index, address: pod6, mac: POD_MAC }),
    ])
    expect(ip(node, 'neighbour', 'show', 'nud', 'permanent')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: '10.1.2.3', lladdr: POD_MAC, state: ['PERMANENT'] }),
        expect.objectContaining({ dst: 'fd00::1', lladdr: POD_MAC, state: ['PERMANENT'] }),
      ]),
    )
    expect(listNeighbours(socket, index)).toContainEqual({
      index,
      address: pod,
      mac: POD_MAC,
      permanent: true,
    })
    expect(listNeighbours(socket).length).toBeGreaterThanOrEqual(2)
    socket.request(deleteNeighbour({ index, address: pod }))
    expect(listNeighbours(socket, index).map(({ address }) => address)).not.toContain(pod)
  })
})

describe('requests sent together', () => {
  test('name the one that was refused; those behind it are carried out', () => {
    const { index } = addPair()
    const error = refusal(() =>
      socket.requests([
        addAddress({ index, address: pod, prefix: 32 }),
        addAddress({ index, address: pod, prefix: 32 }),
        addAddress({ index: 4242, address: other, prefix: 32 }),
        addAddress({ index, address: other, prefix: 32 }),
      ]),
    )
    expect(error.refusals.map(({ request, index: at, code }) => [request, at, code])).toEqual([
      ['RTM_NEWADDR', 1, 'EEXIST'],
      ['RTM_NEWADDR', 2, 'ENODEV'],
    ])
    expect(error.text).toBe('ipv4: Address already assigned')
    expect(listAddresses(socket, index)).toContainEqual({ index, address: other, prefix: 32 })
  })

  test('wire a thousand addresses in one datagram', () => {
    const { index } = addPair()
    const addresses = Array.from({ length: 1000 }, (_, i) => ip4(0x0a10_0000 + i))
    socket.requests(addresses.map((address) => addAddress({ index, address, prefix: 32 })))
    const listed = new Set(listAddresses(socket, index).map(({ address }) => address))
    expect(addresses.filter((address) => !listed.has(address))).toEqual([])
  })
})

test('a refused attribute is named with its path, in the words of the kernel', () => {
  const error = refusal(() =>
    socket.request(addLink({ name: 'a name of far more than fifteen letters' }, PAIR)),
  )
  expect(error).toMatchObject({
    code: 'ERANGE',
    attribute: 'IFLA_IFNAME',
    text: 'Attribute failed policy validation',
  })
})

test('a subscriber sees what happens in its namespace, and only there', async () => {
  const seen: [type: number, name: string][] = []
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const subscription = subscribe(
    NETLINK_ROUTE,
    [RTNLGRP_LINK],
    {
      onMessage: (message) => {
        const { name } = readLink(message)
        seen.push([message.type, name])
        if (message.type === MESSAGE_TYPES.RTM_DELLINK && name === 'd0') finish()
      },
      onLost: (error) => {
        throw error
      },
    },
    { netns: pathOf(node) },
  )
  try {
    podSocket.request(addLink({ name: 'd9' }, PAIR))
    socket.request(addLink({ name: 'd0' }, PAIR))
    socket.request(deleteLink('d0'))
    await finished
    expect(seen).toContainEqual([MESSAGE_TYPES.RTM_NEWLINK, 'd0'])
    expect(seen.map(([, name]) => name)).not.toContain('d9')
    expect(subscription.losses).toBe(0)
  } finally {
    subscription.close()
  }
})

test('a subscriber that does not keep up learns that it lost something', async () => {
  const { index } = addPair()
  let loss: string | undefined
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
  const subscription = subscribe(
    NETLINK_ROUTE,
    [RTNLGRP_LINK],
    {
      onMessage: () => {},
      onLost: (error) => {
        loss = error.code
        finish()
      },
    },
    { netns: pathOf(node) },
  )
  try {
    const flip = Array.from({ length: 1000 }, (_, i) => setLink(index, { mtu: 1400 + (i % 2) }))
    for (let i = 0; i < 40 && loss === undefined; i++) socket.requests(flip)
    await finished
    expect(loss).toBe('NETLINK_LOST')
  } finally {
    subscription.close()
  }
})
