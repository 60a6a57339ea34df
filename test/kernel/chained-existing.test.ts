import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LabNode } from '../../src/lab/lab-node.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { clusterPlaces, knockOf, REFUSED, SERVICE_PORT } from './cluster-places.ts'
import { openWire, udpPacket } from './frames.ts'
import { counted, elementsOf, linkIn, run } from './node-kernel.ts'
import { call, hostLocal, type PluginList } from './plugin-list.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** Pods that were there before Sluice came: nobody has called it for them, and policy holds all the same. */
const network = (node: LabNode): PluginList => ({
  cniVersion: '1.0.0',
  name: 'wired-before',
  plugins: [{ type: 'ptp', ipam: hostLocal(node) }],
})
const cluster = new SmallCluster(1, { flags: ['--chained'], network })
const FAMILIES = [4, 6] as const
const NAMES = ['web', 'client', 'other', 'jailed']
const POLICIES = [
  policy('web', 'web', { ingress: [{ from: apps('client') }] }),
  policy('jailed', 'jailed', { policyTypes: ['Egress'] }),
]

const places = clusterPlaces(cluster)
const { knock, of } = places

beforeAll(async () => {
  await cluster.start()
  await cluster.killAgent(cluster.node)
  run(cluster.node.netns, 'nft', 'delete', 'table', 'inet', 'sluice')
  await cluster.add(...NAMES.map((name) => ({ name })))
  await places.open(NAMES)
  await cluster.enforce(...POLICIES)
})

afterAll(async () => {
  await places.close()
  await cluster.stop()
})

test('with its start policy holds for them, and their open connections that it does not cover end', async () => {
  expect(await knock('other', of('web', 4))).toEqual({ kind: 'answered', by: 'web' })
  // Tracked from its beginning, as on every node with Services.
  run(
    cluster.node.netns,
    'nft',
    'add table inet theirs; add chain inet theirs f { type filter hook forward priority 0; }; add rule inet theirs f ct state new',
  )
  const [stream, to] = [places.place('other'), formatAddress(of('web', 4))]
  await stream.openStream({ ...knockOf(of('other', 4), of('web', 4)), to, timeoutMs: 1000 })
  await cluster.startAgent(cluster.node)
  expect((await stream.streamEnd()).how).not.toBe('closed')
})

test.each(FAMILIES)('IPv%i: who is allowed reaches the pod, nobody else', async (family) => {
  const own = ofFamily(cluster.node.addresses.own, family)
  expect(await knock('client', of('web', family))).toEqual({ kind: 'answered', by: 'web' })
  expect(await knock('other', of('web', family))).toEqual(REFUSED)
  expect(await knock('jailed', of('other', family))).toEqual(REFUSED)
  expect(await knock('jailed', own)).toEqual(REFUSED)
  expect(await knock('other', own)).toEqual({ kind: 'answered', by: 'node' })
})

test('where a route says by which interface they come, no other sends in their name', async () => {
  const { netns } = cluster.node
  const before = counted(netns, 'spoofed')
  const outside = openWire(cluster.outside, 'eth0', linkIn(netns, 'eth0').mac)
  for (const family of FAMILIES) {
    outside.send(
      udpPacket({ from: of('client', family), to: of('web', family) }, 4000, SERVICE_PORT),
    )
  }
  await until('both were dropped', () => counted(netns, 'spoofed') === before + 2)
  outside.close()
})

test('a pod that comes later without us is known by the addresses that the source tells', async () => {
  await cluster.add({ name: 'late' })
  await cluster.enforce(...POLICIES, policy('late', 'late', { policyTypes: ['Ingress'] }))
  expect(await knock('other', of('late', 4))).toEqual(REFUSED)
  const held = elements('local4')
  await cluster.remove('late')
  expect(elements('local4')).toBe(held - 1)
})

test('once it is attached, the attachment says where it is; without it, its addresses are nobody’s', async () => {
  const { sandbox } = cluster.pod('web')
  const prevResult = {
    cniVersion: '1.0.0',
    interfaces: [{ name: 'eth0', sandbox: sandbox.netns }],
    ips: cluster.pod('web').addresses.map((address) => ({
      address: `${formatAddress(address)}/${typeof address === 'number' ? 24 : 64}`,
      interface: 0,
    })),
  }
  const sluice = { type: 'sluice-cni', cniVersion: '1.0.0', name: 'wired-before' }
  call('ADD', { ...sluice, prevResult }, cluster.node, sandbox)
  expect(elements('chained_ifs')).toBe(1)
  expect(await knock('client', of('web', 4))).toEqual({ kind: 'answered', by: 'web' })
  expect(await knock('other', of('web', 4))).toEqual(REFUSED)
  const held = elements('local4')
  call('DEL', sluice, cluster.node, sandbox)
  expect([elements('chained_ifs'), elements('local4')]).toEqual([0, held - 1])
  expect(elements('in_pods4')).toBe(0)
})

function elements(set: string): number {
  return elementsOf(cluster.node.netns, set)
}
