import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sets } from '../../src/dataplane/sets.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { formatAddress, ip4 } from '../../src/policy/address.ts'
import { NewFlows } from './new-flows.ts'
import { nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster, statusOf } from './small-cluster.ts'
import { tableContent } from './table-content.ts'
import { until } from './until.ts'

/** What others change in the table is put right, while packets go on. */
const cluster = new SmallCluster(1, { flags: ['--guard', 'watch'] })
const POLICY = policy('server', 'server', {
  ingress: [
    { from: apps('friend'), ports: [{ protocol: 'UDP', port: 5000, endPort: 5010 }] },
    { from: [{ ipBlock: { cidr: '198.51.100.0/24' } }, { ipBlock: { cidr: '2001:db8::/32' } }] },
  ],
})
const TABLE = { family: 'inet', table: 'sluice' } as const
const EVERY_MS = 2
/** Of each flow, after the repair. */
const FLOWS = 25

let flows: { readonly friend: NewFlows; readonly foe: NewFlows }
let whole: string

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(POLICY)
  await cluster.add({ name: 'server' }, { name: 'friend' }, { name: 'foe' })
})
afterAll(() => cluster.stop())

beforeEach(() => {
  whole = tableContent(netns())
  flows = { friend: flowsFrom('friend', 5000), foe: flowsFrom('foe', 5001) }
})
afterEach(() => {
  flows.friend.close()
  flows.foe.close()
})

const netns = (): string => cluster.node.netns
const addressOf = (name: string): string => formatAddress(ofFamily(cluster.pod(name).addresses, 4))

function flowsFrom(name: string, port: number): NewFlows {
  const end = (pod: string) => ({
    netns: cluster.pod(pod).netns,
    address: ofFamily(cluster.pod(pod).addresses, 4),
  })
  return new NewFlows(end(name), end('server'), port, EVERY_MS)
}

/** A rule of a chain, as `nft` wants it named. */
function ruleWith(chain: string, text: string): string {
  const listed = run(netns(), 'nft', '-a', 'list', 'chain', 'inet', 'sluice', chain)
  const handle = listed
    .split('\n')
    .find((line) => line.includes(text))
    ?.match(/# handle (\d+)$/u)?.[1]
  if (handle === undefined) throw new Error(`${chain} has no rule with ${text}:\n${listed}`)
  return `rule inet sluice ${chain} handle ${handle}`
}

const DAMAGES: Record<string, { readonly damage: () => string; readonly told: object }> = {
  'flush ruleset': { damage: () => 'flush ruleset', told: { table: true } },
  'delete table': { damage: () => 'delete table inet sluice', told: { table: true } },
  'the table is another, without anything in it': {
    damage: () => 'delete table inet sluice; add table inet sluice',
    told: { table: true },
  },
  'the table sleeps': {
    damage: () => 'add table inet sluice { flags dormant; }',
    told: { rules: true },
  },
  'a member is taken away': {
    damage: () => `delete element inet sluice in_pods4 { ${addressOf('server')} }`,
    told: { elements: 1, sets: ['in_pods4'] },
  },
  'a member too many': {
    damage: () => `add element inet sluice in_pods4 { ${addressOf('foe')} }`,
    told: { elements: 1, sets: ['in_pods4'] },
  },
  'another class': {
    damage: () =>
      `delete element inet sluice pod_class4 { ${addressOf('foe')} }; add element inet sluice pod_class4 { ${addressOf('foe')} : 0:63 }`,
    told: { sets: ['pod_class4'] },
  },
  'a set is emptied': {
    damage: () => 'flush set inet sluice in_pods4; flush map inet sluice pod_class4',
    told: { table: false, rules: false },
  },
  'a port range is taken away': {
    damage: () => 'flush set inet sluice ports_range',
    told: { elements: 1, sets: ['ports_range'] },
  },
  'somebody is barred': {
    damage: () =>
      `add element inet sluice cut4 { ${addressOf('friend')} . ${addressOf('server')} . udp . 7 . 5000 timeout 60s }`,
    told: { elements: 1 },
  },
  'a rule is replaced in place': {
    damage: () => `replace ${ruleWith('forward', '@in_pods4')} accept`,
    told: { rules: true },
  },
  'a rule is added': {
    damage: () => 'insert rule inet sluice forward accept',
    told: { rules: true },
  },
  'a rule is deleted': {
    damage: () => `delete ${ruleWith('forward', '@in_pods4')}`,
    told: { rules: true },
  },
  'a chain is emptied': {
    damage: () => 'flush chain inet sluice ingress4',
    told: { rules: true },
  },
  'a chain drops by its policy': {
    damage: () => 'chain inet sluice forward { policy drop; }',
    told: { rules: true },
  },
  'a chain is added': {
    damage: () =>
      'add chain inet sluice mine { type filter hook forward priority -5; policy drop; }',
    told: { rules: true },
  },
  'a chain is another': {
    damage: () =>
      'flush chain inet sluice forward; delete chain inet sluice forward; add chain inet sluice forward { type filter hook forward priority 7; }',
    told: { table: true },
  },
}

describe('under traffic', () => {
  for (const [name, { damage, told }] of Object.entries(DAMAGES)) {
    test(name, async () => {
      const before = (await repairs()).length
      await until('packets flow', () => flows.friend.arrived > 0 && flows.foe.sent > 0)
      nft(netns(), damage())
      await until('it is told', async () => (await repairs()).length > before)
      await until('it is put right', () => isWhole())
      expect((await repairs())[before]).toMatchObject({
        ...told,
        by: [expect.stringMatching(/^nft \(process \d+\)$/u)],
      })
      const [friends, foes] = [flows.friend.arrived, flows.foe.arrived]
      const sent = flows.foe.sent
      await until('packets flow', () => flows.friend.arrived >= friends + FLOWS)
      expect(flows.foe.sent).toBeGreaterThan(sent)
      expect(flows.foe.arrived).toBe(foes)
    })
  }
})

test('a block is taken away', async () => {
  // nft 1.0.6 itself does not survive changes to a map with a catch-all.
  const foreign = openNetlink(NETLINK_NETFILTER, { netns: netns() })
  const first = ip4(0xc633_6400)
  const element = { key: first, last: ip4(first + 255) }
  try {
    commit(foreign, new Transaction(TABLE).deleteElements(sets.blockClass[4], [element]))
  } finally {
    foreign.close()
  }
  await until('it is put right', async () => isWhole() && (await repairs()).length > 0)
  expect((await repairs()).at(-1)).toMatchObject({ elements: 1, sets: ['block_class4'] })
})

test('every repair is counted, and nothing is repaired that we change ourselves', async () => {
  const { repairs: counts } = await statusOf(cluster.node)
  const told = await repairs()
  expect(counts).toEqual({
    tables: told.filter(({ table }) => table).length,
    rules: told.filter(({ rules }) => rules).length,
    elements: told.reduce((sum, { elements }) => sum + Number(elements), 0),
  })
  await cluster.add({ name: 'late' })
  await cluster.enforce(POLICY, policy('late', 'late', { ingress: [] }))
  await cluster.enforce(POLICY)
  await cluster.remove('late')
  expect(await repairs()).toEqual(told)
})

function isWhole(): boolean {
  try {
    return tableContent(netns()) === whole
  } catch {
    return false
  }
}

async function repairs(): Promise<Record<string, unknown>[]> {
  return (await cluster.log(cluster.node)).filter(({ event }) => event === 'table.repaired')
}
