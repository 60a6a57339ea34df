import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LabNode } from '../../src/lab/lab-node.ts'
import { type Address, type Family, formatAddress, ip4, ip6 } from '../../src/policy/address.ts'
import { REFUSED, SERVICE_PORT } from './cluster-places.ts'
import { openDatagrams } from './datagrams.ts'
import { fourPods } from './four-pods.ts'
import { arpRequest, icmp6Packet, openWire, udpPacket } from './frames.ts'
import { linkIn, run } from './node-kernel.ts'
import { addThrough, call, hostLocal, type PluginList } from './plugin-list.ts'
import { ofFamily, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/**
 * Policy on pods that Debian's `bridge` plugin wired, as Flannel has it wire them: its plugin hands on exactly this
 * configuration (flannel-io/cni-plugin, flannel_linux.go), in a list of version 0.3.1. Debian has no Flannel.
 */
const network = (node: LabNode): PluginList => ({
  cniVersion: '0.3.1',
  name: 'cbr0',
  plugins: [
    {
      type: 'bridge',
      mtu: 1450,
      hairpinMode: true,
      isGateway: true,
      isDefaultGateway: true,
      ipMasq: false,
      ipam: { ...hostLocal(node), routes: [{ dst: '10.244.0.0/16' }] },
    },
    { type: 'sluice-cni' },
  ],
})
// What others do to the table of the bridge stays, so that CHECK can find it.
const cluster = new SmallCluster(1, { flags: ['--chained', '--guard', 'off'], network })
const FAMILIES = [4, 6] as const
const SWITCHES = ['net.bridge.bridge-nf-call-iptables', 'net.bridge.bridge-nf-call-ip6tables']

const pods = fourPods(cluster)
const { knock, of } = pods

beforeAll(async () => {
  await cluster.start()
  for (const name of SWITCHES) run(cluster.node.netns, 'sysctl', '-qw', `${name}=0`)
  await pods.open()
})

afterAll(async () => {
  await pods.close()
  await cluster.stop()
})

test('the node shows bridged packets to policy from the first ADD on', () => {
  expect(switches()).toEqual(['1', '1'])
})

describe.each(FAMILIES)('IPv%i', (family) => {
  test('on one bridge, who is allowed reaches the pod, nobody else', async () => {
    await pods.expectVerdicts(family)
  })

  test('pods find each other anew, whatever policy says: that is no traffic of theirs', async () => {
    for (const name of pods.names) run(cluster.pod(name).netns, 'ip', 'neigh', 'flush', 'all')
    expect(await knock('web', of('other', family))).toEqual({ kind: 'answered', by: 'other' })
  })

  test('egress to the own node is policy, and the node reaches its pods', async () => {
    const own = ofFamily(cluster.node.addresses.own, family)
    expect(await knock('other', own)).toEqual({ kind: 'answered', by: 'node' })
    expect(await knock('jailed', own)).toEqual(REFUSED)
    const from = gatewayOf(family)
    expect(await knock('node', of('jailed', family), from)).toEqual({
      kind: 'answered',
      by: 'jailed',
    })
  })

  test('a pod sends with its own addresses only, hardware address included', async () => {
    const to = of('web', family)
    const heard = openDatagrams(cluster.pod('web').netns, { address: to, port: SERVICE_PORT + 1 })
    const { netns } = cluster.pod('client')
    const wire = openWire(netns, 'eth0', linkIn(cluster.pod('web').netns, 'eth0').mac)
    const before = spoofed()
    const stranger = family === 4 ? ip4(0x0a09_0909) : ip6(0xfd99n << 112n)
    wire.send(udpPacket({ from: of('other', family), to }, 4000, SERVICE_PORT + 1))
    wire.send(udpPacket({ from: stranger, to }, 4000, SERVICE_PORT + 1))
    run(netns, 'ip', 'link', 'set', 'eth0', 'address', '02:00:00:00:00:99')
    const masked = openWire(netns, 'eth0', linkIn(cluster.pod('web').netns, 'eth0').mac)
    masked.send(udpPacket({ from: of('client', family), to }, 4000, SERVICE_PORT + 1))
    await until('all three were dropped', () => spoofed() >= before + 3)
    expect(heard.arrived()).toBe(0)
    run(
      netns,
      'ip',
      'link',
      'set',
      'eth0',
      'address',
      wire.mac.toString('hex').match(/../gu)?.join(':') ?? '',
    )
    wire.send(udpPacket({ from: of('client', family), to }, 4000, SERVICE_PORT + 1))
    await until('the honest one arrives', () => heard.arrived() === 1)
    for (const socket of [heard, wire, masked]) socket.close()
  })
})

test('forged ARP and link-local traffic past policy are dropped, honest ARP is not', async () => {
  const { netns } = cluster.pod('other')
  const wire = openWire(netns, 'eth0', linkIn(cluster.pod('web').netns, 'eth0').mac)
  const before = spoofed()
  const gateway = gatewayOf(4)
  wire.sendArp(arpRequest(wire.mac, gateway, of('web', 4)))
  wire.sendArp(arpRequest(Buffer.from('020000000099', 'hex'), of('other', 4), of('web', 4)))
  const linkLocal = ip6((0xfe80n << 112n) | 0xbadn)
  wire.send(icmp6Packet({ from: linkLocal, to: of('web', 6) }, 128))
  await until('the forged ones were dropped', () => spoofed() >= before + 3)
  run(netns, 'ip', 'neigh', 'flush', 'all')
  const known = () => run(cluster.pod('web').netns, 'ip', '-4', 'neigh')
  run(cluster.pod('web').netns, 'ip', 'neigh', 'flush', 'all')
  wire.sendArp(arpRequest(wire.mac, of('other', 4), of('web', 4)))
  await until('the honest one is believed', () => known().includes(formatAddress(of('other', 4))))
  expect(known()).not.toMatch(
    new RegExp(`^${formatAddress(gateway)} .*lladdr ${macText(wire.mac)}`, 'mu'),
  )
  wire.close()
})

test('nft of this machine lists the table', () => {
  const text = run(cluster.node.netns, 'nft', 'list', 'table', 'bridge', 'sluice')
  expect(text).toContain('iifname @pod_ports jump from_pod')
  expect(text).toContain(formatAddress(of('web', 6)))
})

test('somebody switches it off: told, put right, and judged again', async () => {
  for (const name of SWITCHES) run(cluster.node.netns, 'sysctl', '-qw', `${name}=0`)
  await until('it is on again', () => switches().join() === '1,1')
  const log = await cluster.log(cluster.node)
  expect(log.some(({ event }) => event === 'bridge.switched')).toBe(true)
  expect(await knock('other', of('web', 4))).toEqual(REFUSED)
})

test('an agent that was killed takes the table over', async () => {
  const table = () => run(cluster.node.netns, 'nft', '-a', 'list', 'table', 'bridge', 'sluice')
  const before = table().replaceAll(/packets .*/gu, '')
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  expect(table().replaceAll(/packets .*/gu, '')).toBe(before)
})

test('CHECK finds what is missing in it', async () => {
  await cluster.declare({ name: 'checked' })
  const list = { ...network(cluster.node), cniVersion: '0.4.0' }
  const checked = cluster.pod('checked').sandbox
  const prevResult = addThrough(list, cluster.node, checked)
  const config = { type: 'sluice-cni', name: 'cbr0', cniVersion: '0.4.0', prevResult }
  expect(call('CHECK', config, cluster.node, checked)).toBe('')
  run(cluster.node.netns, 'nft', 'flush', 'set', 'bridge', 'sluice', 'pod_macs')
  expect(() => call('CHECK', config, cluster.node, checked)).toThrow('table bridge sluice lacks')
  await cluster.remove('checked')
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
})

test('DEL leaves nothing of the pod in it', async () => {
  const listed = () => run(cluster.node.netns, 'nft', 'list', 'table', 'bridge', 'sluice')
  const before = listed().replaceAll(/packets .*/gu, '')
  await cluster.add({ name: 'brief' })
  expect(listed()).toContain(`${formatAddress(of('brief', 4))}`)
  await cluster.remove('brief')
  expect(listed().replaceAll(/packets .*/gu, '')).toBe(before)
})

/** The first address of the pods' range, which the plugin gives the bridge. */
function gatewayOf(family: Family): Address {
  const range = cluster.node.addresses.podCidrs.find(
    ({ first }) => (typeof first === 'number' ? 4 : 6) === family,
  )
  if (range === undefined) throw new Error(`There is no range of IPv${family}.`)
  return typeof range.first === 'number' ? ip4(range.first + 1) : ip6(range.first + 1n)
}

function spoofed(): number {
  const { netns } = cluster.node
  const text = run(netns, 'nft', 'list', 'counter', 'bridge', 'sluice', 'spoofed')
  return Number(/packets (\d+)/u.exec(text)?.[1])
}

function switches(): string[] {
  return SWITCHES.map((name) => run(cluster.node.netns, 'sysctl', '-n', name).trim())
}

function macText(mac: Buffer): string {
  return mac.toString('hex').match(/../gu)?.join(':') ?? ''
}
