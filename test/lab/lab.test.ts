import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addressPlan } from '../../src/lab/address-plan.ts'
import { Lab } from '../../src/lab/lab.ts'
import type { LabHost } from '../../src/lab/lab.ts'
import { readLabManifests } from '../../src/lab/lab-manifests.ts'
import { LAB_ROOTS } from '../../src/lab/lab-paths.ts'
import { everyProbe } from '../../src/lab/plan-probes.ts'
import type { Probe } from '../../src/lab/probe.ts'
import { SLUICE } from '../built-sluice.ts'

const root = join(import.meta.dirname, '..', '..')
const base = mkdtempSync(join(tmpdir(), 'sluice-lab-test-'))

const host: LabHost = {
  roots: { ...LAB_ROOTS, state: join(base, 'state'), netns: join(base, 'netns') },
  pid: process.pid,
  sluice: SLUICE,
  shim: join(root, 'native', 'build', 'sluice-cni'),
  progress: () => {},
}
const lab = new Lab({ id: 'test', nodes: ['node-1', 'node-2'], plan: addressPlan([4, 6]) }, host)

beforeAll(() => lab.start())
afterAll(async () => {
  await lab.stop()
  rmSync(base, { recursive: true })
})

async function apply(step: string): Promise<void> {
  const { manifests } = await readLabManifests(join(root, 'demo', step), 2)
  await lab.apply(manifests)
}

/** What arrived, of every pair of pods, after a check that it is what should. */
async function arrivals(): Promise<ReadonlySet<string>> {
  const { results } = await lab.probe(everyProbe(lab.pods))
  expect(results.filter(({ agreed }) => !agreed)).toEqual([])
  const through = results.filter(({ actual }) => actual === 'allow')
  return new Set(through.map(({ from, to, port, protocol }) => `${from} ${to} ${port}/${protocol}`))
}

const WEB_TO_DB: Probe = { from: 'shop/web-0', to: 'shop/db-0', port: 5432, protocol: 'TCP' }
const API_TO_DB: Probe = { ...WEB_TO_DB, from: 'shop/api-0' }

// In this order: each test goes on with the lab as the one before left it.
describe('a lab of two nodes', () => {
  test('without policy everyone reaches everyone', async () => {
    await apply('1-open')
    expect(new Set(lab.pods.map(({ node }) => node))).toEqual(new Set(['node-1', 'node-2']))
    expect(lab.pods.every(({ addresses }) => addresses.length === 2)).toBe(true)
    expect((await arrivals()).size).toBe(everyProbe(lab.pods).length)
  })

  test('policies are in force as soon as they are applied', async () => {
    await apply('2-default-deny')
    const { results, repeated } = await lab.probe([WEB_TO_DB])
    expect(results.map(({ actual }) => actual)).toEqual(['deny', 'deny'])
    expect(repeated).toBe(0)
    await apply('3-rules')
    const through = await arrivals()
    expect(through).toContain('shop/api-0 shop/db-0 5432/TCP')
    expect(through).not.toContain('shop/web-0 shop/db-0 5432/TCP')
  })

  test('ICMP, SCTP and hosts outside find what the evaluator says', async () => {
    const { results } = await lab.probe([
      { from: 'default/outsider', to: 'kube-system/dns', protocol: 'ICMP', port: undefined },
      { from: 'default/outsider', to: 'kube-system/dns', protocol: 'SCTP', port: 9 },
      { from: 'shop/web-0', to: 'kube-system/dns', protocol: 'ICMP', port: undefined },
      { from: 'shop/web-0', to: 'kube-system/dns', protocol: 'SCTP', port: 53 },
      { from: '203.0.113.10', to: 'shop/web-0', protocol: 'TCP', port: 8080 },
      { from: '203.0.113.77', to: 'shop/web-0', protocol: 'TCP', port: 8080 },
      { from: 'shop/api-0', to: '2001:db8:100::7', protocol: 'TCP', port: 443 },
      { from: 'shop/api-0', to: '2001:db8:100::7', protocol: 'UDP', port: 443 },
      { from: '172.18.0.11', to: '172.18.0.12', protocol: 'UDP', port: 7 },
    ])
    expect(results.filter(({ agreed }) => !agreed)).toEqual([])
    expect(results.map(({ actual }) => actual).join(' ')).toBe(
      'allow allow allow allow deny deny deny deny allow deny allow deny allow',
    )
  })

  test('an agent that is killed leaves its verdicts, and its successor takes over', async () => {
    await Promise.all(lab.nodes.map(({ agent }) => agent.kill()))
    const before = await arrivals()
    await Promise.all(lab.nodes.map(({ agent }) => agent.start()))
    await lab.settle()
    expect(await arrivals()).toEqual(before)
  })

  test('a connection dies with the rule that allowed it', async () => {
    const stream = await lab.openStream(API_TO_DB)
    const changedAtMs = Date.now()
    await apply('4-withdrawn')
    const { how, lastEchoAtMs } = await stream.end
    expect(how).toBe('ECONNRESET')
    expect(lastEchoAtMs - changedAtMs).toBeLessThan(2000)
    expect(await arrivals()).not.toContain('shop/api-0 shop/db-0 5432/TCP')
  })

  test('pods that go are removed, and come back with other addresses', async () => {
    const before = lab.pods.find(({ key }) => key === 'shop/db-0')
    const { manifests } = await readLabManifests(join(root, 'demo', '3-rules'), 2)
    const pods = manifests.pods.filter(({ pod }) => pod.name !== 'db-0')
    await lab.apply({ ...manifests, pods })
    expect(existsSync(before?.netns ?? '')).toBe(false)
    await expect(lab.probe([WEB_TO_DB])).rejects.toThrow('The lab runs no pod shop/db-0.')
    await apply('3-rules')
    const after = lab.pods.find(({ key }) => key === 'shop/db-0')
    expect(after?.addresses).toHaveLength(2)
    expect(after?.addresses).not.toEqual(before?.addresses)
    expect(await arrivals()).toContain('shop/api-0 shop/db-0 5432/TCP')
  })

  test('a kernel that does otherwise is found out', async () => {
    await Promise.all(lab.nodes.map(({ agent }) => agent.kill()))
    for (const { netns } of lab.nodes) {
      execFileSync('nsenter', [`--net=${netns}`, 'nft', 'delete', 'table', 'inet', 'sluice'])
    }
    const { results, repeated } = await lab.probe([WEB_TO_DB, API_TO_DB])
    expect(results.map(({ agreed }) => agreed)).toEqual([false, false, true, true])
    expect(results[0]?.reason).toMatch(/evaluator says deny, the compiler deny, the packet allow/)
    expect(repeated).toBe(2)
  })

  test('stop leaves nothing, and may be called twice', async () => {
    await lab.stop()
    expect(readdirSync(host.roots.netns)).toEqual([])
    expect(readdirSync(host.roots.state)).toEqual([])
    await lab.stop()
  })
})

test('a lab whose agents cannot start says so, with the end of their log', async () => {
  const sluice = [process.execPath, '-e', 'console.log("out of luck"); process.exit(1)']
  const plan = addressPlan([4])
  const broken = new Lab({ id: 'broken', nodes: ['node-1'], plan }, { ...host, sluice })
  try {
    await broken.start()
    const { manifests } = await readLabManifests(join(root, 'demo', '1-open'), 1)
    await expect(broken.apply(manifests)).rejects.toThrow(
      /^The agent of node-1 has ended\. Its log .+ ends with:\nout of luck$/,
    )
  } finally {
    await broken.stop()
  }
})
