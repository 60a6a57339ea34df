import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LabNode } from '../../src/lab/lab-node.ts'
import { run } from './node-kernel.ts'
import { addThrough, call, hostLocal, type PluginList } from './plugin-list.ts'
import { SmallCluster, statusOf } from './small-cluster.ts'

/** A host on which bridged packets cannot be judged: as far as this agent sees, br_netfilter is not there. */
const list = (node: LabNode, type: 'bridge' | 'ptp' | 'macvlan'): PluginList => ({
  cniVersion: '1.1.0',
  name: 'wired',
  plugins: [{ type, isGateway: true, ipam: hostLocal(node) }, { type: 'sluice-cni' }],
})
const cluster = new SmallCluster(1, {
  flags: ['--chained', '--proc-sys=/nonexistent'],
  network: (node) => ({ ...list(node, 'ptp'), cniVersion: '1.0.0' }),
})

beforeAll(async () => {
  await cluster.start()
  await cluster.declare({ name: 'bridged' }, { name: 'lost' })
})

afterAll(() => cluster.stop())

test('on a bridge ADD and STATUS say what the host must have, and nothing is left', async () => {
  const { node } = cluster
  const [bridge, sluice] = list(node, 'bridge').plugins
  if (bridge === undefined || sluice === undefined) throw new Error('The list is too short.')
  const { sandbox } = cluster.pod('bridged')
  const named = { cniVersion: '1.0.0', name: 'wired' }
  const prevResult: unknown = JSON.parse(call('ADD', { ...bridge, ...named }, node, sandbox))
  const status = { type: 'sluice-cni', name: 'wired', cniVersion: '1.1.0' }
  expect(call('STATUS', status, node, sandbox)).toBe('')
  expect(() => call('ADD', { ...sluice, ...named, prevResult }, node, sandbox)).toThrow(
    /"code":107.*br_netfilter is not loaded. Run on the node: modprobe br_netfilter/u,
  )
  expect(readdirSync(join(node.runDir, 'pods'))).toEqual([])
  expect(run(node.netns, 'nft', 'list', 'tables')).toBe('table inet sluice\n')
  expect(() => call('STATUS', status, node, sandbox)).toThrow(/"code":51.*modprobe br_netfilter/u)
  expect((await statusOf(node))['sourceProblems']).toEqual([
    expect.stringContaining('modprobe br_netfilter'),
  ])
  call('DEL', { ...bridge, ...named }, node, sandbox)
})

test('without a bridge a pod is welcome all the same', async () => {
  await cluster.add({ name: 'alone' })
  expect(cluster.pod('alone').addresses).toHaveLength(2)
  await cluster.remove('alone')
})

test('an interface that passes the node by is refused', () => {
  const { node } = cluster
  const { sandbox } = cluster.pod('lost')
  const macvlan = { ...list(node, 'macvlan'), cniVersion: '1.0.0' }
  expect(() => addThrough(macvlan, node, sandbox)).toThrow(
    /"code":107.*eth0 is a macvlan interface without an end on this node/u,
  )
})
