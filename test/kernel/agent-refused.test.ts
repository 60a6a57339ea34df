import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { type Address, type Family, formatAddress } from '../../src/policy/address.ts'
import { nft, run } from './node-kernel.ts'
import { apps, ofFamily, policy, SmallCluster, statusOf } from './small-cluster.ts'
import { until } from './until.ts'

/** A kernel that refuses what the agent wants: said in a sentence, tried again, and never a wrong verdict. */
const cluster = new SmallCluster(2, { flags: ['--guard', 'off'] })
const FAMILIES = [4, 6] as const
const PORT = 5000
const ALLOWED = policy('server', 'server', { ingress: [{ from: apps('friend') }] })

let places: Record<'server' | 'friend' | 'foe', Place>

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(ALLOWED)
  await cluster.add({ name: 'server' }, { name: 'friend' }, { name: 'foe' }, { name: 'leaving' })
  const place = (name: string): Place => new Place({ name, netns: cluster.pod(name).netns })
  places = { server: place('server'), friend: place('friend'), foe: place('foe') }
  for (const family of FAMILIES) {
    const address = formatAddress(of('server', family))
    await places.server.listen([{ protocol: 'TCP', address, port: PORT }])
  }
})

afterAll(async () => {
  await Promise.all(Object.values(places ?? {}).map((place) => place.close()))
  await cluster.stop()
})

test('a change that is refused', async () => {
  const { node } = cluster
  await cluster.declare({ name: 'remote', on: 1 }, { name: 'late' })
  await cluster.attach('remote')
  // Somebody else has put in what the agent is about to add.
  const foreign = FAMILIES.map(
    (family) => `element inet sluice pod_class${family} { ${formatAddress(of('remote', family))}`,
  )
  nft(node.netns, foreign.map((element) => `add ${element} : 0:63 }`).join('\n'))
  await cluster.propose(ALLOWED)

  const refused = expect.stringMatching(
    /^The kernel refused a change to table inet sluice, whose verdicts stay as they were: .*element in map pod_class[46] of table inet sluice: EEXIST/u,
  )
  await until('the status tells', async () => (await statusOf(node))['commitRefused'] !== null)
  expect(await statusOf(node)).toMatchObject({ commitRefused: refused, revision: null })
  const told = (await cluster.log(node)).filter(({ event }) => event === 'commit.refused')
  expect(told[0]).toMatchObject({ msg: refused })
  await expectVerdicts()

  const before = hostLinks()
  await expect(cluster.attach('late')).rejects.toThrow(
    /^(?!.*Nor could it all be undone).*\(code 104\)/su,
  )
  expect(hostLinks()).toEqual(before)
  expect(run(cluster.pod('late').netns, 'ip', '-br', 'link')).not.toContain('eth0')
  expect(attached()).toEqual(['foe', 'friend', 'leaving', 'server'])
  await cluster.detach('leaving')
  await until('it is released', () => !attached().includes('leaving'))
  expect(attached()).toEqual(['foe', 'friend', 'server'])

  nft(node.netns, foreign.map((element) => `delete ${element} }`).join('\n'))
  await cluster.enforce(ALLOWED)
  expect((await statusOf(node))['commitRefused']).toBeNull()
  const { addresses } = await cluster.attach('late')
  expect(addresses).toHaveLength(2)
  await expectVerdicts()
})

test('a table of our name that another process owns', async () => {
  const { node } = cluster
  await cluster.killAgent(node)
  nft(node.netns, 'delete table inet sluice')
  const owner = openNetlink(NETLINK_NETFILTER, { netns: node.netns })
  try {
    const transaction = new Transaction({ family: 'inet', table: 'sluice' })
    commit(owner, transaction.createTable({ flags: ['owner'] }))
    await expect(cluster.startAgent(node)).rejects.toThrow('The agent of n0 has ended')
    const log = readFileSync(join(node.runDir, 'agent.log'), 'utf8')
    expect(log.trimEnd().split('\n').at(-1)).toMatch(
      /The agent of n0 cannot start: The kernel refused to .*table inet sluice: E(PERM|BUSY)/u,
    )
    await expect(cluster.attach('leaving')).rejects.toThrow('(code 11)')
  } finally {
    owner.close()
  }
  await cluster.startAgent(node)
  await expectVerdicts()
})

/** Those from before the refusal. */
async function expectVerdicts(): Promise<void> {
  for (const family of FAMILIES) {
    expect(await knock('friend', family)).toBe('answered')
    expect(await knock('foe', family)).toBe('unanswered')
  }
}

async function knock(from: 'friend' | 'foe', family: Family): Promise<string> {
  const { kind } = await places[from].knock({
    protocol: 'TCP',
    from: formatAddress(of(from, family)),
    to: formatAddress(of('server', family)),
    port: PORT,
    timeoutMs: from === 'friend' ? 2000 : 200,
  })
  return kind
}

/** Pods that have a record of an attachment. */
function attached(): string[] {
  const directory = join(cluster.node.runDir, 'pods')
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')))
    .filter(({ releasedAt }) => releasedAt === undefined)
    .map(({ pod }) => String(pod.name))
    .toSorted()
}

function hostLinks(): string[] {
  return run(cluster.node.netns, 'ip', '-br', 'link').match(/^slc\w+/gmu) ?? []
}

function of(name: string, family: Family): Address {
  return ofFamily(cluster.pod(name).addresses, family)
}
