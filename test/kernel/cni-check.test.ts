import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as v from 'valibot'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { type Family, formatAddress, parseAddress } from '../../src/policy/address.ts'
import { callCni, type CniAnswer } from './cni-call.ts'
import { nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'

/** CHECK notices each single thing that is taken from a pod behind the agent's back, where nobody puts it right. */
const cluster = new SmallCluster(1, { flags: ['--guard', 'off'] })
const PORTS = [
  { protocol: 'TCP', port: 80 },
  { protocol: 'TCP', port: 90, endPort: 95 },
]
const POLICY = policy('victim', 'victim', {
  ingress: [{ from: apps('friend'), ports: PORTS }],
  egress: [{ to: apps('friend'), ports: PORTS }],
})

/** What the runtime asks for at ADD, and says again at CHECK. */
const runtimeConfig = {
  bandwidth: { ingressRate: 8e6, ingressBurst: 8e5, egressRate: 16e6, egressBurst: 8e5 },
  portMappings: [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostPort: 8080, containerPort: 80, protocol: 'udp', hostIP: '192.0.2.1' },
    { hostPort: 8080, containerPort: 80, protocol: 'udp', hostIP: 'fd01::1' },
  ],
}

let added: unknown
/** Undo a damage that would outlast the pod. */
let repairs: (() => void)[] = []

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(POLICY)
  await cluster.add({ name: 'friend' })
  await cluster.declare({ name: 'victim' })
})

afterAll(() => cluster.stop())

beforeEach(async () => {
  const answer = await callCni(cluster.node, 'ADD', cluster.pod('victim').sandbox, {
    runtimeConfig,
  })
  expect(answer.exitCode).toBe(0)
  added = answer.body
})

afterEach(async () => {
  for (const repair of repairs) repair()
  repairs = []
  await cluster.detach('victim')
})

const WELL = { exitCode: 0, body: undefined }

function check(config: object = { prevResult: added }): Promise<CniAnswer> {
  const { sandbox } = cluster.pod('victim')
  return callCni(cluster.node, 'CHECK', sandbox, { runtimeConfig, ...config })
}

async function expectFault(fault: RegExp): Promise<void> {
  const { exitCode, body } = await check()
  expect(body).toMatchObject({
    code: 106,
    msg: expect.stringMatching(/^The network of shop\/victim \(eth0\) is not as it was made: /u),
    details: expect.stringMatching(fault),
  })
  expect(exitCode).toBe(1)
}

function onNode(...command: string[]): void {
  run(cluster.node.netns, ...command)
}

function inPod(...command: string[]): void {
  run(cluster.pod('victim').netns, ...command)
}

function hostInterface(): string {
  const { containerId } = cluster.pod('victim').sandbox
  return attachmentIdOf({ containerId, ifName: 'eth0' })
}

function addressOf(family: Family): string {
  const { ips } = v.parse(v.object({ ips: v.array(v.object({ address: v.string() })) }), added)
  const addresses = ips.flatMap(({ address }) => parseAddress(address.replace(/\/.*/u, '')) ?? [])
  return formatAddress(ofFamily(addresses, family))
}

test('right after ADD, and again', async () => {
  expect(await check()).toEqual(WELL)
  expect(await check()).toEqual(WELL)
})

test('with what later plugins of the list have added to the result', async () => {
  const result = v.parse(v.looseObject({ ips: v.array(v.unknown()) }), added)
  const prevResult = { ...result, ips: [...result.ips, { address: '192.0.2.1/32' }], dns: {} }
  expect(await check({ prevResult })).toEqual(WELL)
})

test('a MAC address that a later plugin gave is expected where the result says so', async () => {
  const mac = '02:00:00:00:00:07'
  inPod('ip', 'link', 'set', 'eth0', 'address', mac)
  for (const family of [4, 6] as const) {
    const neighbour = [addressOf(family), 'lladdr', mac, 'dev', hostInterface()]
    onNode('ip', 'neigh', 'replace', ...neighbour, 'nud', 'permanent')
  }
  // The kernel forgets the neighbours of a link whose MAC address changes.
  for (const gateway of ['169.254.1.1', 'fe80::1']) {
    const neighbour = [gateway, 'lladdr', 'ee:ee:ee:ee:ee:ee', 'dev', 'eth0']
    inPod('ip', 'neigh', 'replace', ...neighbour, 'nud', 'permanent')
  }
  await expectFault(/The pod's eth0 has the MAC address 02:00:00:00:00:07, not 5a:4c:/u)
  const result = v.parse(v.looseObject({ interfaces: v.array(v.looseObject({})) }), added)
  const interfaces = result.interfaces.map((one) => ('sandbox' in one ? { ...one, mac } : one))
  expect(await check({ prevResult: { ...result, interfaces } })).toEqual(WELL)
})

test('a default route that a later plugin took away, and out of the result', async () => {
  inPod('ip', 'route', 'delete', 'default')
  await expectFault(/The pod has no default route by 169\.254\.1\.1 on eth0/u)
  const result = v.parse(v.looseObject({ routes: v.array(v.object({ dst: v.string() })) }), added)
  const routes = result.routes.filter(({ dst }) => dst !== '0.0.0.0/0')
  expect(await check({ prevResult: { ...result, routes } })).toEqual(WELL)
})

describe('links, addresses, routes, neighbours', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'the link',
      () => onNode('ip', 'link', 'delete', hostInterface()),
      /The node has no interface slc/u,
    ],
    [
      "the node's end is down",
      () => onNode('ip', 'link', 'set', hostInterface(), 'down'),
      /slc\w+ is down/u,
    ],
    [
      "the node's end has another MAC address",
      () => onNode('ip', 'link', 'set', hostInterface(), 'address', '02:00:00:00:00:09'),
      /slc\w+ has the MAC address 02:00:00:00:00:09, not ee:ee/u,
    ],
    [
      "the node's end answers ARP",
      () => onNode('ip', 'link', 'set', hostInterface(), 'arp', 'on'),
      /slc\w+ answers ARP/u,
    ],
    [
      'the route to the pod, IPv4',
      () => onNode('ip', 'route', 'delete', addressOf(4)),
      /The node has no route to 10\./u,
    ],
    [
      'the route to the pod, IPv6',
      () => onNode('ip', 'route', 'delete', addressOf(6)),
      /The node has no route to fd/u,
    ],
    [
      'the neighbour of the node, IPv4',
      () => onNode('ip', 'neigh', 'delete', addressOf(4), 'dev', hostInterface()),
      /The node has no permanent neighbour 10\./u,
    ],
    [
      'the neighbour of the node, IPv6',
      () => onNode('ip', 'neigh', 'delete', addressOf(6), 'dev', hostInterface()),
      /The node has no permanent neighbour fd/u,
    ],
    [
      'the neighbour of the node may change',
      () => onNode('ip', 'neigh', 'change', addressOf(4), 'dev', hostInterface(), 'nud', 'stale'),
      /The node has no permanent neighbour 10\./u,
    ],
    ["the pod's end is down", () => inPod('ip', 'link', 'set', 'eth0', 'down'), /eth0 is down/u],
    [
      "the pod's end has another name",
      () => {
        inPod('ip', 'link', 'set', 'eth0', 'down')
        inPod('ip', 'link', 'set', 'eth0', 'name', 'eth9')
      },
      /The pod has no interface eth0/u,
    ],
    [
      'another link in its place',
      () => {
        inPod('ip', 'link', 'set', 'eth0', 'down')
        inPod('ip', 'link', 'set', 'eth0', 'name', 'eth9')
        inPod('ip', 'link', 'add', 'eth0', 'type', 'bridge')
        repairs.push(() => inPod('ip', 'link', 'delete', 'eth0'))
      },
      /The pod's eth0 is not the other end of slc/u,
    ],
    [
      'the address, IPv4',
      () => inPod('ip', 'addr', 'delete', `${addressOf(4)}/32`, 'dev', 'eth0'),
      /The pod's eth0 has no address 10\./u,
    ],
    [
      'the address, IPv6',
      () => inPod('ip', 'addr', 'delete', `${addressOf(6)}/128`, 'dev', 'eth0'),
      /The pod's eth0 has no address fd/u,
    ],
    [
      'the default route, IPv6',
      () => inPod('ip', '-6', 'route', 'delete', 'default'),
      /The pod has no default route by fe80::1 on eth0/u,
    ],
    [
      'the neighbour of the pod, IPv4',
      () => inPod('ip', 'neigh', 'delete', '169.254.1.1', 'dev', 'eth0'),
      /The pod has no permanent neighbour 169\.254\.1\.1/u,
    ],
    [
      'the neighbour of the pod, IPv6',
      () => inPod('ip', 'neigh', 'delete', 'fe80::1', 'dev', 'eth0'),
      /The pod has no permanent neighbour fe80::1/u,
    ],
    [
      'the limit of what the pod sends',
      () => inPod('tc', 'qdisc', 'delete', 'dev', 'eth0', 'root'),
      /What the pod sends is not limited to its bandwidth/u,
    ],
    [
      'the limit of what the pod receives is another',
      () => {
        const faster = ['rate', '9mbit', 'burst', '100000', 'limit', '125000']
        const replaced = ['qdisc', 'replace', 'dev', hostInterface(), 'root', 'handle', '1:']
        onNode('tc', ...replaced, 'tbf', ...faster)
      },
      /What the pod receives is not limited to its bandwidth/u,
    ],
  ])('%s', async (_, damage, fault) => {
    damage()
    await expectFault(fault)
  })
})

describe('policy in the kernel', () => {
  test.each([
    ['pod_if4', 4],
    ['pod_if6', 6],
    ['local4', 4],
    ['local6', 6],
    ['self4', 4],
    ['self6', 6],
    ['pod_class4', 4],
    ['pod_class6', 6],
    ['in_pods4', 4],
    ['in_pods6', 6],
    ['out_pods4', 4],
    ['out_pods6', 6],
    ['in_default4', 4],
    ['in_default6', 6],
    ['out_default4', 4],
    ['out_default6', 6],
    ['in_ports4', 4],
    ['in_ports6', 6],
    ['out_ports4', 4],
    ['out_ports6', 6],
    ['host_port_numbers', undefined],
    ['host_ports4', 4],
    ['host_ports6', 6],
    ['host_ip_ports4', 4],
    ['host_ip_ports6', 6],
    ['ports_port', undefined],
    ['ports_range', undefined],
  ] as const)('an element of %s is deleted', async (set, family) => {
    takeAway(set, family && addressOf(family))
    await expectFault(new RegExp(`The (set|map) ${set} of table inet sluice lacks `, 'u'))
    for (const repair of repairs.splice(0)) repair()
    expect(await check()).toEqual(WELL)
  })

  test('a row leads to another port set', async () => {
    const element = takeAway('in_ports4', addressOf(4))
    const [key = ''] = element.split(' : ')
    nft(cluster.node.netns, `add element inet sluice in_ports4 { ${key} : 8000:ffff }`)
    repairs.unshift(() =>
      nft(cluster.node.netns, `delete element inet sluice in_ports4 { ${key} }`),
    )
    await expectFault(/The map in_ports4 of table inet sluice leads 10\.[\d.]+ \. \d+ to 214/u)
  })

  test.each(['in', 'out'])(
    'an element of %s_pods4 that isolates a pod without policy',
    async (way) => {
      await cluster.enforce()
      const element = `element inet sluice ${way}_pods4 { ${addressOf(4)}`
      nft(cluster.node.netns, `add ${element} }`)
      repairs.push(() => nft(cluster.node.netns, `delete ${element} }`))
      await expectFault(new RegExp(`The set ${way}_pods4 of table inet sluice has 10`, 'u'))
      for (const repair of repairs.splice(0)) repair()
      expect(await check()).toEqual(WELL)
      await cluster.enforce(POLICY)
    },
  )

  test.each<[string, RegExp, (text: string) => string]>([
    ['a rule', /The chain forward of table inet sluice has \d+ rules instead of/u, ruleDeletion],
    [
      'a chain without its rules',
      /The chain forward of table inet sluice has 0 rules/u,
      () => 'flush chain inet sluice forward',
    ],
    ['the table', /There is no table inet sluice/u, () => 'delete table inet sluice'],
  ])('%s is gone; a restart of the agent mends it', async (_, fault, deletion) => {
    const chain = run(cluster.node.netns, 'nft', '-a', 'list', 'chain', 'inet', 'sluice', 'forward')
    nft(cluster.node.netns, deletion(chain))
    await expectFault(fault)
    await cluster.killAgent(cluster.node)
    await cluster.startAgent(cluster.node)
    expect(await check()).toEqual(WELL)
  })
})

/** Deletes one element of the set, of this address where there is one; it is put back at the end. */
function takeAway(set: string, address: string | undefined): string {
  const kind =
    /^(host_ports|host_ip_ports|pod_class|in_ports|out_ports|in_default|out_default)/u.test(set)
      ? 'map'
      : 'set'
  const listed = run(cluster.node.netns, 'nft', 'list', kind, 'inet', 'sluice', set)
  const [, text = ''] = /elements = \{([^}]*)\}/u.exec(listed) ?? []
  const elements = text.split(',').map((element) => element.trim())
  const element = elements.find((one) => address === undefined || words(one).includes(address))
  if (element === undefined) throw new Error(`${set} has nothing of ${address}: ${listed}`)
  const [key = ''] = element.split(' : ')
  nft(cluster.node.netns, `delete element inet sluice ${set} { ${key} }`)
  repairs.push(() => nft(cluster.node.netns, `add element inet sluice ${set} { ${element} }`))
  return element
}

function words(element: string): string[] {
  return element.split(' ')
}

/** Of the last rule of chain `forward`, as listed with handles. */
function ruleDeletion(listed: string): string {
  const handle = [...listed.matchAll(/# handle (\d+)/gu)].at(-1)?.[1]
  return `delete rule inet sluice forward handle ${handle}`
}
