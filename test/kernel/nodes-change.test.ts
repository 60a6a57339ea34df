import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NodeFacts } from '../../src/pods/nodes/node-facts.ts'
import { vtepMac } from '../../src/pods/nodes/vtep-mac.ts'
import { address, cidr } from '../policy/literals.ts'
import { leftoversOf, linesOf, routesOf } from './node-paths.ts'
import { openThreeNodes, type ThreeNodes } from './three-nodes.ts'

let nodes: ThreeNodes
beforeEach(() => {
  nodes = openThreeNodes('change')
})
afterEach(() => {
  nodes.close()
})

const at = (facts: NodeFacts, ...addresses: string[]): NodeFacts => {
  return { ...facts, addresses: addresses.map(address) }
}

describe('a path is chosen anew', () => {
  test('when a node moves to another link, and back', async () => {
    const { a, c } = nodes
    expect(await a.connect([c.facts])).toEqual([])
    expect(await a.connect([at(c.facts, '172.18.1.9', 'fd18:1::9')])).toEqual([])
    expect(leftoversOf(a)).toHaveLength(2)
    expect(routesOf(a)).toEqual([
      '10.244.3.0/24 via 172.18.1.9 dev eth0 src 172.18.1.1',
      'fd10:3::/64 via fd18:1::9 dev eth0 src fd18:1::1',
    ])
    expect(await a.connect([c.facts])).toEqual([])
    expect(routesOf(a).join()).toMatch(/^10\.244\.3\.0\/24 via 10\.244\.3\.0 dev sluice-vxlan/)
  })

  test('when the other end of its tunnel does', async () => {
    const { a, c } = nodes
    await a.connect([c.facts])
    expect(await a.connect([at(c.facts, '172.18.3.7', 'fd18:3::7')])).toEqual([])
    expect(linesOf(a.run('bridge fdb show dev sluice-vxlan'))).toEqual([
      `${vtepMac('node-c')} dst 172.18.3.7 self permanent`,
    ])
    expect(routesOf(a, '8383')).toEqual([
      '172.18.3.7 via 10.244.3.0 dev sluice-vxlan',
      'fd18:3::7 via fd10:3:: dev sluice-vxlan',
    ])
  })

  test('when this node gets another address', async () => {
    const { a, c } = nodes
    await a.connect([c.facts])
    a.run('ip address del 172.18.1.1/24 dev eth0; ip address add 172.18.1.8/24 dev eth0')
    a.run('ip route add default via 172.18.1.254')
    const moved = at(a.facts, '172.18.1.8', 'fd18:1::1')
    expect(await a.connect([c.facts], 'auto', moved)).toEqual([])
    expect(a.run('ip -d link show sluice-vxlan')).toContain('local 172.18.1.8')
    expect(a.run('ip -4 address show dev sluice-vxlan').match(/inet \S+/g)).toEqual([
      'inet 172.18.1.8/32',
    ])
    expect(routesOf(a)[0]).toBe('10.244.3.0/24 via 10.244.3.0 dev sluice-vxlan src 172.18.1.8')
  })

  test('when this node gets a link to the other', async () => {
    const { a, c } = nodes
    await a.connect([c.facts])
    a.run('ip address add 172.18.2.77/24 dev eth0; ip address add fd18:2::77/64 dev eth0 nodad')
    expect(await a.connect([c.facts])).toEqual([])
    expect(routesOf(a)).toEqual([
      '10.244.3.0/24 via 172.18.2.3 dev eth0 src 172.18.1.1',
      'fd10:3::/64 via fd18:2::3 dev eth0 src fd18:1::1',
    ])
  })

  test('when the link of the node changes its MTU, the overlay follows', async () => {
    const { a, c } = nodes
    await a.connect([c.facts])
    a.run('ip link set eth0 mtu 9000')
    await a.connect([c.facts])
    expect(a.run('ip link show sluice-vxlan')).toContain('mtu 8950')
  })
})

test('nothing is left of a node that has gone', async () => {
  const { a, b, c } = nodes
  await a.connect([b.facts, c.facts])
  await a.connect([b.facts])
  expect(leftoversOf(a)).toHaveLength(2)
  expect(routesOf(a).join()).not.toContain('10.244.3.0')
  await a.connect([c.facts])
  expect(routesOf(a).join()).not.toContain('10.244.2.0')
  await a.connect([])
  expect(leftoversOf(a)).toEqual([])
})

test('one of two behind the overlay goes, the other stays', async () => {
  const { a, b, c } = nodes
  await a.connect([b.facts, c.facts], 'always')
  expect(routesOf(a)).toHaveLength(4)
  await a.connect([c.facts], 'always')
  expect(routesOf(a)).toHaveLength(2)
  expect(linesOf(a.run('bridge fdb show dev sluice-vxlan'))).toHaveLength(1)
  expect(linesOf(a.run('ip neigh show dev sluice-vxlan nud permanent'))).toHaveLength(2)
  expect(routesOf(a, '8383')).toHaveLength(2)
})

describe('the family of the packets that carry others', () => {
  test('is IPv4 where nodes have only that, for IPv6 pods too', async () => {
    const { a, c } = nodes
    const own = at(a.facts, '172.18.1.1')
    expect(await a.connect([at(c.facts, '172.18.2.3')], 'auto', own)).toEqual([])
    expect(routesOf(a)).toEqual([
      '10.244.3.0/24 via 10.244.3.0 dev sluice-vxlan src 172.18.1.1',
      'fd10:3::/64 via fd10:3:: dev sluice-vxlan',
    ])
  })

  test('is IPv6 where nodes have only that, for IPv4 pods too', async () => {
    const { a, c } = nodes
    const own = at(a.facts, 'fd18:1::1')
    expect(await a.connect([at(c.facts, 'fd18:2::3')], 'auto', own)).toEqual([])
    expect(routesOf(a)).toEqual([
      '10.244.3.0/24 via 10.244.3.0 dev sluice-vxlan6',
      'fd10:3::/64 via fd10:3:: dev sluice-vxlan6 src fd18:1::1',
    ])
    expect(a.run('ip -d link show sluice-vxlan6')).toMatch(/mtu 1430.*\n.*\n.*local fd18:1::1/)
    expect(linesOf(a.run('bridge fdb show dev sluice-vxlan6'))).toEqual([
      `${vtepMac('node-c')} dst fd18:2::3 self permanent`,
    ])
  })

  test('may be another to each node', async () => {
    const { a, b, c } = nodes
    const remotes = [at(b.facts, 'fd18:1::2'), at(c.facts, '172.18.2.3')]
    expect(await a.connect(remotes, 'always')).toEqual([])
    expect(routesOf(a).map((line) => line.split(' ').slice(0, 5).join(' '))).toEqual([
      '10.244.2.0/24 via 10.244.2.0 dev sluice-vxlan6',
      '10.244.3.0/24 via 10.244.3.0 dev sluice-vxlan',
      'fd10:2::/64 via fd10:2:: dev sluice-vxlan6',
      'fd10:3::/64 via fd10:3:: dev sluice-vxlan',
    ])
    await a.connect([])
    expect(leftoversOf(a)).toEqual([])
  })
})

describe('what cannot be had is told, and the rest is done', () => {
  test('without the overlay, a node on no common link', async () => {
    const { a, b, c } = nodes
    expect(await a.connect([b.facts, c.facts], 'never')).toEqual([
      'Pods of node node-c (10.244.3.0/24) cannot be reached: 172.18.2.3 is on no link of this node, and --overlay is never.',
      'Pods of node node-c (fd10:3::/64) cannot be reached: fd18:2::3 is on no link of this node, and --overlay is never.',
    ])
    expect(routesOf(a)).toHaveLength(2)
  })

  test('a node that nothing leads to', async () => {
    const { a, c } = nodes
    a.run('ip route del default')
    const [problem, ...others] = await a.connect([at(c.facts, '172.18.2.3')])
    expect(problem).toMatch(
      /^Pods of node node-c \(10\.244\.3\.0\/24\) cannot be reached: 172\.18\.2\.3 is unreachable: .*ENETUNREACH/,
    )
    expect(others).toHaveLength(1)
    expect(leftoversOf(a)).toEqual([])
    a.run('ip route add default via 172.18.1.254')
    expect(await a.connect([at(c.facts, '172.18.2.3')])).toEqual([])
  })

  test('a tunnel of another network plugin with the same identifier', async () => {
    const { a, b, c } = nodes
    a.run('ip link add vxlan.calico type vxlan id 4096 dstport 4789 local 172.18.1.1 nolearning')
    expect(await a.connect([b.facts, c.facts])).toEqual([
      'The link sluice-vxlan to nodes on other links cannot be made: there is another VXLAN link with VNI 4096 and port 4789, of another network plugin perhaps. Delete it.',
    ])
    expect(routesOf(a)).toHaveLength(2)
    a.run('ip link delete vxlan.calico')
    expect(await a.connect([b.facts, c.facts])).toEqual([])
    expect(routesOf(a)).toHaveLength(4)
  })

  test('a link of the name that is no tunnel', async () => {
    const { a, c } = nodes
    a.run('ip link add sluice-vxlan type bridge')
    expect(await a.connect([c.facts])).toEqual([
      'The link sluice-vxlan to nodes on other links cannot be made: there is another link of that name, which is no VXLAN. Rename or delete it.',
    ])
    await a.connect([])
    expect(a.run('ip link show sluice-vxlan')).toContain('sluice-vxlan')
  })

  test('an address of this node that no link has', async () => {
    const { a, b } = nodes
    const own = at(a.facts, '172.18.1.99', 'fd18:1::1')
    expect(await a.connect([b.facts], 'auto', own)).toEqual([
      "No link of node node-a has its IPv4 address: what it sends to pods of other nodes comes from another, and no tunnel can begin there. Correct the Node's InternalIP or --node-address.",
    ])
    expect(routesOf(a)[0]).toBe('10.244.2.0/24 via 172.18.1.2 dev eth0')
  })
})

describe('routes of others', () => {
  const told = (range: string): string =>
    `Pods of node node-b (${range}) are not reached by a route of Sluice: somebody else has a route to them. Sluice makes its own once that is gone.`

  test.each([
    ['of the same metric', 'ip route add 10.244.2.0/24 via 172.18.1.9', '10.244.2.0/24'],
    ['of another metric', 'ip route add 10.244.2.0/24 via 172.18.1.9 metric 50', '10.244.2.0/24'],
    ['of IPv6', 'ip -6 route add fd10:2::/64 via fd18:1::9', 'fd10:2::/64'],
    [
      'of IPv6 that goes before',
      'ip -6 route add fd10:2::/64 via fd18:1::9 metric 7',
      'fd10:2::/64',
    ],
    ['that refuse', 'ip route add unreachable 10.244.2.0/24', '10.244.2.0/24'],
  ])('%s stay, are told, and ours comes when they go', async (_, command, range) => {
    const { a, b } = nodes
    a.run(command)
    const all = a.run('ip route; ip -6 route')
    expect(await a.connect([b.facts])).toEqual([told(range)])
    expect(await a.connect([b.facts])).toEqual([told(range)])
    expect(routesOf(a)).toHaveLength(1)
    for (const line of linesOf(all)) expect(a.run('ip route; ip -6 route')).toContain(line)
    a.run(command.replace(' add ', ' del '))
    expect(await a.connect([b.facts])).toEqual([])
    expect(routesOf(a)).toHaveLength(2)
  })

  test('beside ours stay when ours changes and when it goes', async () => {
    const { a, b } = nodes
    await a.connect([b.facts])
    a.run('ip route prepend 10.244.2.0/24 via 172.18.1.9')
    a.run('ip route append 10.244.2.0/24 via 172.18.1.10')
    a.run('ip route add 10.244.2.0/24 via 172.18.1.11 metric 100')
    await a.connect([at(b.facts, '172.18.1.5', 'fd18:1::5')])
    await a.connect([])
    expect(linesOf(a.run('ip route show 10.244.2.0/24'))).toEqual([
      '10.244.2.0/24 via 172.18.1.9 dev eth0',
      '10.244.2.0/24 via 172.18.1.10 dev eth0',
      '10.244.2.0/24 via 172.18.1.11 dev eth0 metric 100',
    ])
  })

  test('elsewhere, and foreign rules, are left alone', async () => {
    const { a, b, c } = nodes
    a.run(`
      ip route add 10.9.0.0/24 via 172.18.1.9
      ip rule add from 10.9.0.0/24 lookup 8383 pref 8000
      ip route add 10.8.0.0/24 via 172.18.1.9 table 8383`)
    await a.connect([b.facts, c.facts])
    await a.connect([])
    expect(a.run('ip route')).toContain('10.9.0.0/24 via 172.18.1.9')
    expect(a.run('ip rule')).toContain('8000:\tfrom 10.9.0.0/24 lookup 8383')
    expect(a.run('ip route show table 8383')).toContain('10.8.0.0/24 via 172.18.1.9')
  })
})

test('two nodes that claim one range: the first by name has it', async () => {
  const { a, b, c } = nodes
  const twin = { ...c.facts, podCidrs: [cidr('10.244.2.0/24')] }
  expect(await a.connect([twin, b.facts])).toEqual([
    'Pods of node node-c (10.244.2.0/24) cannot be reached: node node-b has the same range.',
  ])
  expect(routesOf(a)[0]).toContain('via 172.18.1.2 ')
})
