import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { LabNode } from '../../src/lab/lab-node.ts'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import { formatAddress, ip4, ip6 } from '../../src/policy/address.ts'
import { REFUSED, SERVICE_PORT } from './cluster-places.ts'
import { openDatagrams } from './datagrams.ts'
import { fourPods } from './four-pods.ts'
import { openWire, udpPacket } from './frames.ts'
import { connectionsOf, counted, elementsOf, linkIn, run } from './node-kernel.ts'
import { addThrough, call, hostLocal, type PluginList } from './plugin-list.ts'
import { ofFamily, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** Policy on pods that Debian's `ptp` plugin wired, with addresses of its `host-local`. */
const network = (node: LabNode): PluginList => ({
  cniVersion: '1.0.0',
  name: 'wired-by-ptp',
  plugins: [{ type: 'ptp', ipam: hostLocal(node) }, { type: 'sluice-cni' }],
})
const cluster = new SmallCluster(1, { flags: ['--chained'], network })
const FAMILIES = [4, 6] as const

const pods = fourPods(cluster)
const { knock, of } = pods

beforeAll(async () => {
  await cluster.start()
  await pods.open()
})

afterAll(async () => {
  await pods.close()
  await cluster.stop()
})

describe.each(FAMILIES)('IPv%i', (family) => {
  test('who is allowed reaches the pod, nobody else', async () => {
    await pods.expectVerdicts(family)
  })

  test('egress to the own node is policy, and the node reaches its pods', async () => {
    const own = ofFamily(cluster.node.addresses.own, family)
    expect(await knock('other', own)).toEqual({ kind: 'answered', by: 'node' })
    expect(await knock('jailed', own)).toEqual(REFUSED)
    expect(await knock('node', of('jailed', family), own)).toEqual({
      kind: 'answered',
      by: 'jailed',
    })
  })

  test('a pod sends from its own address only, and nobody else sends from it', async () => {
    const { netns } = cluster.node
    const heard = openDatagrams(cluster.pod('web').netns, {
      address: of('web', family),
      port: SERVICE_PORT + 1,
    })
    const gateway = linkIn(netns, hostInterfaceOf('other')).mac
    const wire = openWire(cluster.pod('other').netns, 'eth0', gateway)
    const outside = openWire(cluster.outside, 'eth0', linkIn(netns, 'eth0').mac)
    const before = counted(netns, 'spoofed')
    const stranger = family === 4 ? ip4(0x0a09_0909) : ip6(0xfd99n << 112n)
    const to = of('web', family)
    wire.send(udpPacket({ from: of('client', family), to }, 4000, SERVICE_PORT + 1))
    wire.send(udpPacket({ from: stranger, to }, 4000, SERVICE_PORT + 1))
    outside.send(udpPacket({ from: of('client', family), to }, 4000, SERVICE_PORT + 1))
    await until('all three were dropped', () => counted(netns, 'spoofed') === before + 3)
    expect(heard.arrived()).toBe(0)
    const denied = counted(netns, 'denied_ingress')
    wire.send(udpPacket({ from: of('other', family), to }, 4000, SERVICE_PORT + 1))
    await until('policy saw the honest one', () => counted(netns, 'denied_ingress') > denied)
    expect(counted(netns, 'spoofed')).toBe(before + 3)
    for (const socket of [heard, wire, outside]) socket.close()
  })
})

test('an agent that was killed finds its pods again, and the program as it was', async () => {
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  const ready = async () =>
    (await cluster.log(cluster.node)).filter(({ event }) => event === 'agent.ready')
  await until('it has told what it found', async () => (await ready()).length === 2)
  expect((await ready())[1]).toMatchObject({ table: 'adopted', kept: 4, released: 0 })
  expect(await knock('client', of('web', 4))).toEqual({ kind: 'answered', by: 'web' })
  expect(await knock('other', of('web', 4))).toEqual(REFUSED)
})

test('the result is that of the plugin before, in the version asked for', async () => {
  await cluster.declare({ name: 'old' })
  const { sandbox } = cluster.pod('old')
  const list = { ...network(cluster.node), cniVersion: '0.3.1' }
  const [ptp] = list.plugins
  if (ptp === undefined) throw new Error('The list is empty.')
  const { name, cniVersion } = list
  const alone: unknown = JSON.parse(
    call('ADD', { ...ptp, name, cniVersion }, cluster.node, sandbox),
  )
  const sluice = { type: 'sluice-cni', name, cniVersion, prevResult: alone }
  const both: unknown = JSON.parse(call('ADD', sluice, cluster.node, sandbox))
  expect(both).toEqual(alone)
  expect(() => call('ADD', sluice, cluster.node, sandbox)).toThrow('"code":100')
  await cluster.remove('old')
})

test('DEL leaves nothing, with the namespace gone too, and may be repeated', async () => {
  await cluster.add({ name: 'first' }, { name: 'second' })
  const held = () => ['chained_ifs', 'pod_if4', 'pod_if6', 'local4'].map((set) => elements(set))
  const before = held()
  const gone = [cluster.pod('first'), cluster.pod('second')]
  const from = openDatagrams(cluster.pod('client').netns, { address: of('client', 4), port: 4001 })
  for (const { addresses } of gone)
    from.send({ address: ofFamily(addresses, 4), port: SERVICE_PORT })
  const theirs = gone.flatMap(({ addresses }) => addresses)
  const tracked = () =>
    connectionsOf(cluster.node.netns).filter(({ original }) => theirs.includes(original.dst))
  await until('the connections are tracked', () => tracked().length === 2)
  deleteNamespace(cluster.pod('second').netns)
  await cluster.detach('first')
  await cluster.detach('second')
  expect(held()).toEqual(before.map((count) => count - 2))
  expect(tracked()).toEqual([])
  expect(readdirSync(join(cluster.node.runDir, 'pods'))).toHaveLength(4)
  expect(
    run(cluster.node.netns, 'ip', '-o', 'link', 'show', 'type', 'veth').trim().split('\n'),
  ).toHaveLength(5)
  await cluster.detach('first')
  createNamespace(cluster.pod('second').netns)
  await cluster.remove('first')
  await cluster.remove('second')
  from.close()
})

test('a pod that no plugin wired before is refused', async () => {
  await cluster.declare({ name: 'unwired' })
  const alone = { cniVersion: '1.0.0', name: 'alone', plugins: [{ type: 'sluice-cni' }] }
  const { sandbox } = cluster.pod('unwired')
  expect(() => addThrough(alone, cluster.node, sandbox)).toThrow('--chained')
})

function elements(set: string): number {
  return elementsOf(cluster.node.netns, set)
}

function hostInterfaceOf(name: string): string {
  const route = run(cluster.node.netns, 'ip', 'route', 'get', formatAddress(of(name, 4)))
  return /dev (\S+)/u.exec(route)?.[1] ?? ''
}
