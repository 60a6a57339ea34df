import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { OverlayMode, Reach } from '../../../src/pods/nodes/choose-path.ts'
import type { NodeFacts } from '../../../src/pods/nodes/node-facts.ts'
import { type NetworkFacts, planNetwork } from '../../../src/pods/nodes/plan-network.ts'
import { vtepMac } from '../../../src/pods/nodes/vtep-mac.ts'
import { formatCidr } from '../../../src/policy/address.ts'
import { address, cidr } from '../../policy/literals.ts'
import { node } from './nodes.ts'

const own = node('a', ['10.1.0.0/24', 'fd01::/64'], ['192.168.0.1', 'fd80::1'])
const near = node('b', ['10.2.0.0/24', 'fd02::/64'], ['192.168.0.2', 'fd80::2'])
const far = node('c', ['10.3.0.0/24', 'fd03::/64'], ['192.168.9.3', 'fd89::3'])

const facts: NetworkFacts = {
  reach: (one): Reach =>
    near.addresses.includes(one) ? { kind: 'neighbour', link: 2 } : { kind: 'routed' },
  mtuOf: (one) => (own.addresses.includes(one) ? 1500 : undefined),
}

test('nodes on one link need routes and nothing else', () => {
  expect(planNetwork(own, [near], 'auto', facts)).toEqual({
    links: [],
    routes: [
      {
        node: 'b',
        destination: cidr('10.2.0.0/24'),
        gateway: address('192.168.0.2'),
        link: 2,
        source: address('192.168.0.1'),
      },
      {
        node: 'b',
        destination: cidr('fd02::/64'),
        gateway: address('fd80::2'),
        link: 2,
        source: address('fd80::1'),
      },
    ],
    neighbours: [],
    forwarding: [],
    rules: [],
    problems: [],
  })
})

test('a node elsewhere needs a tunnel, whom to find at its end, and a way back for pods', () => {
  const [mac, link] = [vtepMac('c'), 'sluice-vxlan']
  const rule = { table: 8383, priority: 8383, protocol: 83 }
  const plan = planNetwork(own, [far], 'auto', facts)
  expect(plan).toEqual({
    links: [
      {
        name: link,
        vxlan: { vni: 4096, port: 4789, local: address('192.168.0.1'), learning: false },
        mac: vtepMac('a'),
        mtu: 1450,
        addresses: own.addresses,
      },
    ],
    routes: [
      ['10.3.0.0/24', '10.3.0.0', '192.168.0.1'],
      ['fd03::/64', 'fd03::', 'fd80::1'],
      ['192.168.9.3/32', '10.3.0.0'],
      ['fd89::3/128', 'fd03::'],
    ].map(([destination = '', gateway = '', source]) => ({
      node: 'c',
      destination: cidr(destination),
      gateway: address(gateway),
      link,
      ...(source === undefined ? { table: 8383 } : { source: address(source) }),
    })),
    neighbours: ['10.3.0.0', 'fd03::'].map((one) => ({ link, address: address(one), mac })),
    forwarding: [{ link, mac, destination: address('192.168.9.3') }],
    rules: own.podCidrs.map((source) => ({ source, ...rule })),
    problems: [],
  })
})

test('a node without an address on a link has no tunnel, and nothing that would lead into one', () => {
  const plan = planNetwork(own, [far], 'auto', { ...facts, mtuOf: () => undefined })
  expect(plan).toMatchObject({ links: [], routes: [], neighbours: [], forwarding: [], rules: [] })
  expect(plan.problems).toHaveLength(2)
})

describe('of any nodes', () => {
  const name = fc.constantFrom('b', 'c', 'd', 'e')
  const remote = fc.record({
    name,
    podCidrs: fc.uniqueArray(
      fc
        .constantFrom('10.1.0.0/24', '10.2.0.0/24', '10.3.0.0/24', 'fd02::/64', 'fd03::/64')
        .map(cidr),
      { selector: formatCidr },
    ),
    addresses: fc.uniqueArray(
      fc
        .constantFrom('192.168.0.2', '192.168.9.3', 'fd80::2', 'fd89::3', '203.0.113.1')
        .map(address),
    ),
  })
  const remotes = fc.uniqueArray(remote, { selector: (one) => one.name })
  const mode = fc.constantFrom<OverlayMode>('auto', 'always', 'never')
  const reach = (one: unknown): Reach =>
    one === address('203.0.113.1')
      ? { kind: 'unreachable', reason: 'ENETUNREACH.' }
      : near.addresses.some((other) => other === one)
        ? { kind: 'neighbour', link: 2 }
        : { kind: 'routed' }

  const plans = (check: (nodes: NodeFacts[], plan: ReturnType<typeof planNetwork>) => void): void =>
    fc.assert(
      fc.property(remotes, mode, (nodes, mode) => {
        check(nodes, planNetwork(own, nodes, mode, { ...facts, reach }))
      }),
    )

  test('each range has one route or one sentence', () => {
    plans((nodes, { routes, problems }) => {
      const toPods = routes.filter(({ table }) => table === undefined)
      const ranges = nodes.flatMap(({ podCidrs }) => podCidrs)
      expect(toPods.length + problems.length).toBe(ranges.length)
      const taken = toPods.map(({ destination }) => formatCidr(destination))
      expect(new Set(taken).size).toBe(taken.length)
      expect(taken).not.toContain('10.1.0.0/24')
    })
  })

  test('every route through a tunnel has its neighbour, and that its other end', () => {
    plans((_, { links, routes, neighbours, forwarding }) => {
      const names = new Set(links.map((link) => link.name))
      for (const { link, gateway } of routes) {
        if (typeof link === 'number') continue
        expect(names).toContain(link)
        const found = neighbours.filter((one) => one.link === link && one.address === gateway)
        expect(found).toHaveLength(1)
        const ends = forwarding.filter((one) => one.link === link && one.mac === found[0]?.mac)
        expect(ends).toHaveLength(1)
      }
      expect(links.length).toBe(new Set(forwarding.map(({ link }) => link)).size)
    })
  })

  test('the order in which they are told does not matter', () => {
    plans((nodes, plan) => {
      expect(planNetwork(own, nodes.toReversed(), 'auto', { ...facts, reach })).toEqual(
        planNetwork(own, nodes, 'auto', { ...facts, reach }),
      )
      expect(plan.rules.length).toBeLessThanOrEqual(2)
    })
  })
})
