import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reasonOf } from '../../src/pods/errors.ts'
import { type Family, formatAddress } from '../../src/policy/address.ts'
import { arrives } from './arrives.ts'
import { NewFlows } from './new-flows.ts'
import { nodeState } from './node-state.ts'
import { apps, ofFamily, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/**
 * Agents are stopped, killed and replaced, also by another program version, while a runtime adds pods one after
 * the other and tries again where it is told to.
 */
const flags: string[] = []
const cluster = new SmallCluster(1, { flags })
const FAMILIES = [4, 6] as const
const FRIEND_PORT = 6000
const FOE_PORT = 6001
const FLOW_EVERY_MS = 4
/** `--deny` is part of the program. */
const OTHER = ['--deny=reject']
const REPLACEMENTS = [
  { signal: 'SIGTERM', flags: [], table: 'adopted' },
  { signal: 'SIGKILL', flags: [], table: 'adopted' },
  { signal: 'SIGTERM', flags: OTHER, table: 'installed' },
  { signal: 'SIGKILL', flags: [], table: 'installed' },
  { signal: 'SIGKILL', flags: OTHER, table: 'installed' },
  { signal: 'SIGTERM', flags: OTHER, table: 'adopted' },
] as const
/** How long the runtime waits before it tries again; the kubelet takes longer. */
const PAUSE_MS = 20
/** Of an ADD, its repetitions included: an agent on a busy machine takes this long to come back. */
const PATIENCE_MS = 5000
const names = Array.from({ length: 60 }, (_, place) => `new${place}`)

let friend: NewFlows[]
let foe: NewFlows[]

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(policy('all', undefined, { ingress: [{ from: apps('friend') }] }))
  await cluster.add({ name: 'server' }, { name: 'friend' }, { name: 'foe' })
  await cluster.declare(...names.map((name) => ({ name })))
  friend = flowsFrom('friend', FRIEND_PORT)
  foe = flowsFrom('foe', FOE_PORT)
})

afterAll(async () => {
  for (const flow of [...(friend ?? []), ...(foe ?? [])]) flow.close()
  await cluster.stop()
})

test('no ADD fails for good, none waits longer than a start takes, every verdict is right', async () => {
  const replacing = new AbortController()
  const adding = addPods(replacing.signal)
  try {
    for (const { signal, flags: next } of REPLACEMENTS) {
      const before = sent()
      await until('packets flow between two replacements', () => sent() > before + 50)
      await cluster.killAgent(cluster.node, signal)
      flags.splice(0, flags.length, ...next)
      await cluster.startAgent(cluster.node)
    }
  } finally {
    replacing.abort()
  }
  expectPatience(await adding)
  await expectVerdicts()
  expect(await starts()).toEqual(['installed', ...REPLACEMENTS.map(({ table }) => table)])

  expect(nodeState(cluster.node).records).toHaveLength(3 + names.length)
  const addresses = names.flatMap((name) => cluster.pod(name).addresses.map(formatAddress))
  expect(new Set(addresses).size).toBe(FAMILIES.length * names.length)
  for (const name of names) {
    expect(await arrives(cluster, 'friend', name, 4), `friend to ${name}`).toBe(true)
    expect(await arrives(cluster, 'foe', name, 6), `foe to ${name}`).toBe(false)
  }
})

interface Added {
  readonly name: string
  /** From the first attempt to success. */
  readonly latencyMs: number
  readonly attempts: number
}

/** Adds one after the other, round and round: who is there already is deleted first. */
async function addPods(stop: AbortSignal): Promise<Added[]> {
  const added: Added[] = []
  while (!stop.aborted || added.length < names.length) {
    const name = names[added.length % names.length] ?? ''
    if (added.length >= names.length) await cluster.detach(name)
    const began = performance.now()
    const attempts = await addWithPatience(name)
    added.push({ name, attempts, latencyMs: performance.now() - began })
  }
  return added
}

/** As a runtime does: DEL after an ADD that failed, and again where it is told to. */
async function addWithPatience(name: string): Promise<number> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      await cluster.attach(name)
      return attempts
    } catch (error) {
      if (!reasonOf(error).includes('(code 11)')) throw error
      await cluster.detach(name)
      await delay(PAUSE_MS)
    }
  }
}

function expectPatience(added: readonly Added[]): void {
  const latencies = added.map(({ latencyMs }) => Math.round(latencyMs)).toSorted((a, b) => a - b)
  const again = added.filter(({ attempts }) => attempts > 1)
  const [half = 0, longest = Infinity] = [latencies[added.length >> 1], latencies.at(-1)]
  console.log(
    `${REPLACEMENTS.length} agents replaced, ${added.length} pods added: half within ${half} ms, ` +
      `all within ${longest} ms, ${again.length} not at the first time`,
  )
  expect(again.length).toBeGreaterThan(0)
  expect(longest).toBeLessThan(PATIENCE_MS)
}

async function expectVerdicts(): Promise<void> {
  for (const flow of [...friend, ...foe]) flow.stop()
  await until('all of the friend arrived', () => friend.every((one) => one.arrived === one.sent))
  expect(foe.map(({ arrived }) => arrived)).toEqual([0, 0])
}

/** What each agent found, by its own words. */
async function starts(): Promise<unknown[]> {
  const ready = (await cluster.log(cluster.node)).filter(({ event }) => event === 'agent.ready')
  return ready.map(({ table }) => table)
}

function sent(): number {
  return Math.min(...[...friend, ...foe].map((flow) => flow.sent))
}

function flowsFrom(name: string, port: number): NewFlows[] {
  const end = (of: string, family: Family) => {
    const { netns, addresses } = cluster.pod(of)
    return { netns, address: ofFamily(addresses, family) }
  }
  return FAMILIES.map(
    (family) => new NewFlows(end(name, family), end('server', family), port, FLOW_EVERY_MS),
  )
}
