import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askAgent } from '../../src/cli/ask-agent.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { sluice } from '../cli/sluice.ts'
import { elementsOf, nft } from './node-kernel.ts'
import { policy, ofFamily, SmallCluster } from './small-cluster.ts'

/** `sluice policies` and `sluice wait`, held against what `nft` lists. */
// No guard: what is put in by hand is to stay there.
const cluster = new SmallCluster(1, { flags: ['--guard', 'off'] })

beforeAll(async () => {
  await cluster.start()
  await cluster.add({ name: 'web' })
})
afterAll(() => cluster.stop())

/** A command at the agent of the node. */
function ask(...args: readonly string[]): ReturnType<typeof sluice> {
  return sluice(...args, '--run-dir', cluster.node.runDir)
}

async function metric(series: string): Promise<number> {
  const text = await askAgent(join(cluster.node.runDir, 'agent.sock'), '/metrics')
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return Number(line?.slice(series.length + 1))
}

const closed = policy('web', 'web', { ingress: [] })

test('a policy is live once the kernel holds it, and wait returns then', async () => {
  const asked = ['wait', '--policy', 'shop/web']
  expect(await ask(...asked)).toMatchObject({
    code: 1,
    err: 'sluice: shop/web: the source has no such policy.\n',
  })
  expect(elementsOf(cluster.node.netns, 'in_pods4')).toBe(0)
  const before = await metric('sluice_event_commit_seconds_count')
  await cluster.propose(closed)
  expect(await ask(...asked)).toEqual({ code: 0, out: '', err: '' })
  expect(await metric('sluice_event_commit_seconds_count')).toBe(before + 1)
  expect(await metric('sluice_policies{state="live"}')).toBe(1)
  expect(elementsOf(cluster.node.netns, 'in_pods4')).toBe(1)

  const { out } = await ask('policies', '--namespace', 'shop')
  expect(out).toMatch(
    /^NAME +STATE +VERSION +PODS +LIVE +SINCE +REASON\nweb +live +([0-9a-f]{12}) +1 +\1 +\d+s\n$/,
  )
  expect((await ask('policies', '-A')).out).toMatch(/^NAMESPACE +NAME .*\nshop +web +live /)
  expect(await ask('policies')).toMatchObject({
    code: 0,
    err: 'No policies in namespace default.\n',
  })
  const [version = ''] = /[0-9a-f]{12}/.exec(out) ?? []
  expect(await ask(...asked, '--version', version)).toMatchObject({ code: 0 })
})

test('a version that is refused, with what holds instead', async () => {
  await cluster.propose(policy('web', 'web', { ingress: [{ ports: [{ port: 0 }] }] }))
  const { code, err } = await ask('wait', '--policy', 'shop/web')
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(
      /^sluice: shop\/web: version [0-9a-f]{12} is refused: spec\.ingress\[0\]\.ports\[0\]\.port: .*\.\n$/,
    ),
  })
  // Refused is known from the file; that the agent has read it too takes a moment.
  await cluster.enforce(policy('web', 'web', { ingress: [{ ports: [{ port: 0 }] }] }))
  const listed: unknown = JSON.parse((await ask('policies', '-A', '-o', 'json')).out)
  expect(listed).toMatchObject([
    { name: 'web', state: 'refused', pods: 1, refused: { inForce: 'last accepted version' } },
  ])
  expect(elementsOf(cluster.node.netns, 'in_pods4')).toBe(1)
})

test('a kernel that refuses: not in force in time, and why; in force when it takes it', async () => {
  await cluster.enforce(closed)
  const { netns } = cluster.node
  const address = formatAddress(ofFamily(cluster.pod('web').addresses, 4))
  nft(netns, `add element inet sluice out_pods4 { ${address} }`)
  await cluster.propose(policy('web', 'web', { ingress: [], egress: [], policyTypes: BOTH }))
  const late = await ask('wait', '--policy', 'shop/web', '--timeout', '300ms')
  expect(late).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /^sluice: shop\/web: not within 0\.3 s: The kernel refused a change .* EEXIST/,
    ),
  })
  expect(await metric('sluice_ready')).toBe(0)
  expect(await metric('sluice_transaction_failures_total{reason="EEXIST"}')).toBeGreaterThan(0)
  expect((await ask('policies', '-A')).out).toMatch(
    /\nshop +web +accepted +(\w+) +1 +(?!\1)\w+ +\d+s +The kernel refused a change /,
  )
  nft(netns, `delete element inet sluice out_pods4 { ${address} }`)
  expect(await ask('wait', '--policy', 'shop/web')).toMatchObject({ code: 0, err: '' })
  expect(elementsOf(netns, 'out_pods4')).toBe(1)
})

test('a policy that goes', async () => {
  const asked = ['wait', '--policy', 'shop/web', '--deleted']
  expect(await ask(...asked)).toMatchObject({
    code: 1,
    err: 'sluice: shop/web: the source still has it: delete it there.\n',
  })
  await cluster.propose()
  expect(await ask(...asked)).toMatchObject({ code: 0, err: '' })
  expect(elementsOf(cluster.node.netns, 'in_pods4')).toBe(0)
  expect((await ask('policies', '-A')).err).toBe('No policies.\n')
})

test('an agent that is away is waited for', async () => {
  await cluster.killAgent(cluster.node)
  await cluster.propose(closed)
  expect(await ask('wait', '--policy', 'shop/web', '--timeout', '0')).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^sluice: shop\/web: not within 0 s: No agent answers at .*\?\n$/),
  })
  const waiting = ask('wait', '--policy', 'shop/web')
  await cluster.startAgent(cluster.node)
  expect(await waiting).toEqual({ code: 0, out: '', err: '' })
})

const BOTH = ['Ingress', 'Egress']
