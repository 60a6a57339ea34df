import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../src/dataplane/inspect.ts'
import { canOwnTables, claimTables, OWNED } from '../../src/dataplane/own-tables.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { listTables } from '../../src/nftables/list.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { NewFlows } from './new-flows.ts'
import { openNamespace } from './nftables-namespace.ts'
import { nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { PROGRAM, startDataplane } from './start-dataplane.ts'
import { tableContent } from './table-content.ts'
import { until } from './until.ts'

/** While an agent runs, nobody else can change its table; when it has ended, the next one takes it over. */
const cluster = new SmallCluster(1)
const POLICY = policy('server', 'server', { ingress: [{ from: apps('friend') }] })
const TABLE = { family: 'inet', table: 'sluice' } as const
/** Of /proc/net/netlink: NFNLGRP_NFTABLES, the seventh group (linux/netfilter/nfnetlink.h). */
const NEWS = 1 << 6

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(POLICY)
  await cluster.add({ name: 'server' }, { name: 'friend' }, { name: 'foe' })
})
afterAll(() => cluster.stop())

const netns = (): string => cluster.node.netns

function flagsOf(): readonly string[] | undefined {
  const socket = openNetlink(NETLINK_NETFILTER, { netns: netns() })
  try {
    return listTables(socket, 'inet').find(({ table }) => table === 'sluice')?.flags
  } finally {
    socket.close()
  }
}

test('a flushed ruleset passes it by, and no packet gets another verdict', async () => {
  nft(netns(), 'add table inet theirs')
  const whole = tableContent(netns())
  const end = (pod: string) => ({
    netns: cluster.pod(pod).netns,
    address: ofFamily(cluster.pod(pod).addresses, 4),
  })
  const friend = new NewFlows(end('friend'), end('server'), 5000, 1)
  const foe = new NewFlows(end('foe'), end('server'), 5001, 1)
  try {
    await until('packets flow', () => friend.arrived > 0)
    for (let times = 0; times < 5; times++) nft(netns(), 'flush ruleset')
    const before = friend.arrived
    await until('packets flow on', () => friend.arrived > before + 20)
    friend.stop()
    await until('the last one has come', () => friend.arrived === friend.sent)
    expect(foe.arrived).toBe(0)
  } finally {
    friend.close()
    foe.close()
  }
  expect(run(netns(), 'nft', 'list', 'tables')).toBe('table inet sluice\n')
  expect(tableContent(netns())).toBe(whole)
})

test('the agent does not listen for changes: the kernel would write a message for each element of its own', () => {
  const [, ...sockets] = run(netns(), 'cat', '/proc/net/netlink').trim().split('\n')
  const listening = sockets.filter((line) => {
    const [, protocol, , groups = ''] = line.trim().split(/\s+/u)
    return Number(protocol) === NETLINK_NETFILTER && (Number.parseInt(groups, 16) & NEWS) !== 0
  })
  expect(sockets.length).toBeGreaterThan(0)
  expect(listening).toEqual([])
})

describe('nobody else can', () => {
  test.each([
    'delete table inet sluice',
    'add table inet sluice { flags dormant; }',
    'flush chain inet sluice forward',
    'insert rule inet sluice forward accept',
    'add chain inet sluice mine',
    'flush set inet sluice in_pods4',
    'add element inet sluice in_pods4 { 192.0.2.1 }',
  ])('%s', (change) => {
    expect(() => nft(netns(), change)).toThrow('Operation not permitted')
  })
})

/** Each agent numbers classes and port sets anew. */
function meaning(): string {
  return tableContent(netns()).replaceAll(/"(0|8000):[0-9a-f]+"/gu, '"id"')
}

test('what an agent leaves, the next one owns; what was flushed in between, it makes anew', async () => {
  const whole = meaning()
  await cluster.killAgent(cluster.node)
  expect(flagsOf()).toEqual(['persist'])
  await cluster.startAgent(cluster.node)
  expect(flagsOf()).toEqual([...OWNED])
  expect(meaning()).toBe(whole)

  await cluster.killAgent(cluster.node)
  nft(
    netns(),
    `insert rule inet sluice forward accept; delete element inet sluice in_pods4 { ${formatAddress(ofFamily(cluster.pod('server').addresses, 4))} }`,
  )
  await cluster.startAgent(cluster.node)
  expect(meaning()).toBe(whole)

  await cluster.killAgent(cluster.node)
  nft(netns(), 'flush ruleset')
  await cluster.startAgent(cluster.node)
  expect(meaning()).toBe(whole)
  expect(flagsOf()).toEqual([...OWNED])
})

test('a table without an owner has to be made anew, one of another owner is left alone', async () => {
  const namespace = openNamespace('own')
  const other = openNetlink(NETLINK_NETFILTER, { netns: namespace.path })
  try {
    expect(canOwnTables(namespace.socket)).toBe(true)
    expect(listTables(namespace.socket, 'inet')).toEqual([])
    await startDataplane(namespace.socket, { events: [] })
    claimTables(namespace.socket, [TABLE])
    expect((await inspect(namespace.socket, PROGRAM)).obstacle).toBeUndefined()
    expect(await inspect(namespace.socket, PROGRAM, true)).toMatchObject({
      state: undefined,
      obstacle: 'It was made so that anybody may change it.',
    })
    commit(other, new Transaction({ ...TABLE, table: 'sluice_next' }).createTable({ flags: OWNED }))
    expect(() => claimTables(namespace.socket, [{ ...TABLE, table: 'sluice_next' }])).toThrow(
      /^Table inet sluice_next is owned by another process \(netlink port \d+\): end the agent/u,
    )
  } finally {
    other.close()
    namespace.close()
  }
})
