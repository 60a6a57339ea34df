import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { attach, detach, type Sandbox } from '../../src/lab/shim.ts'
import { formatAddress } from '../../src/policy/address.ts'
import { arrives } from './arrives.ts'
import { run } from './node-kernel.ts'
import { type NodeState, nodeState } from './node-state.ts'
import { apps, ofFamily, policy, SHIM, SmallCluster } from './small-cluster.ts'

/** Requests of the runtime that come all at once, also for one and the same pod. */
const cluster = new SmallCluster(1)
const FAMILIES = [4, 6] as const
const MANY = 200
const PATIENCE = { timeout: 20_000 }
const names = Array.from({ length: MANY }, (_, place) => `many${place}`)
/** First, last and some between. */
const SAMPLE = [0, 1, 49, 98, 99, 100, 150, 198, 199].map((place) => `many${place}`)

let before: NodeState
let attached: NodeState

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(policy('all', undefined, { ingress: [{ from: apps('friend') }] }))
  await cluster.add({ name: 'friend' }, { name: 'foe' })
  await cluster.declare(...names.map((name) => ({ name })))
  before = nodeState(cluster.node)
})

afterAll(() => cluster.stop())

test(`${MANY} ADDs at once: each succeeds, with addresses of its own`, async () => {
  const began = performance.now()
  const pods = await Promise.all(names.map((name) => cluster.attach(name)))
  console.log(`${MANY} ADDs at once: ${Math.round(performance.now() - began)} ms`)

  for (const family of FAMILIES) {
    const given = pods.map(({ addresses }) => formatAddress(ofFamily(addresses, family)))
    expect(new Set(given).size).toBe(MANY)
    const routes: { dst: string; dev: string }[] = JSON.parse(
      run(cluster.node.netns, 'ip', '-j', `-${family}`, 'route'),
    )
    const devices = given.flatMap((address) =>
      routes.filter(({ dst }) => dst === address).map(({ dev }) => dev),
    )
    expect(new Set(devices).size).toBe(MANY)
    expect(devices).toHaveLength(MANY)
  }
  attached = nodeState(cluster.node)
  expect(attached.records).toHaveLength(before.records.length + MANY)
})

test('each has its policy', async () => {
  for (const name of SAMPLE) {
    for (const family of FAMILIES) {
      expect(
        await arrives(cluster, 'friend', name, family),
        `friend to ${name}, IPv${family}`,
      ).toBe(true)
      expect(await arrives(cluster, 'foe', name, family), `foe to ${name}, IPv${family}`).toBe(
        false,
      )
    }
  }
})

test(`${MANY} DELs at once: each succeeds, and nothing is left`, async () => {
  const began = performance.now()
  await Promise.all(names.map((name) => cluster.detach(name)))
  console.log(`${MANY} DELs at once: ${Math.round(performance.now() - began)} ms`)
  await expectClean()
})

test('of many ADDs for one container one succeeds; DELs succeed, however many', async () => {
  const sandbox = sandboxOf('many0', 'twice')
  const outcomes = await Promise.all(times(10, () => attach(shim(), sandbox).catch(String)))
  const refusals = outcomes.filter((outcome) => typeof outcome === 'string')
  expect(outcomes).toHaveLength(10)
  expect(refusals).toHaveLength(9)
  for (const refusal of refusals) {
    expect(refusal).toMatch(/Container twice already has .*; DEL it first.*\(code 100\)/u)
  }
  await Promise.all(times(10, () => detach(shim(), sandbox)))
  await expectClean()
})

test('a DEL that races an ADD, in either order: nothing is left after the last DEL', async () => {
  const kinds = new Set<string>()
  for (let round = 0; round < 30; round += 1) {
    const sandbox = sandboxOf('many1', `race-${round}`)
    const requests = [() => attach(shim(), sandbox), () => detach(shim(), sandbox)]
    const inOrder = round % 2 === 0 ? requests : requests.toReversed()
    await Promise.all(inOrder.map((request) => request()))
    const { records } = nodeState(cluster.node)
    kinds.add(records.length > before.records.length ? 'DEL came first' : 'ADD came first')
    await detach(shim(), sandbox)
  }
  await expectClean()
  console.log(`DEL racing ADD: ${[...kinds].join(', ')}`)
})

test('DEL of one container does not wait for the ADDs of others, nor take what is theirs', async () => {
  const leaving = names.slice(0, 20)
  await Promise.all(leaving.map((name) => cluster.attach(name)))
  const coming = names.slice(20, 60)
  await Promise.all([
    ...leaving.map((name) => cluster.detach(name)),
    ...coming.map((name) => cluster.attach(name)),
  ])
  const kept = before.records.length + coming.length
  await vi.waitFor(() => expect(nodeState(cluster.node).records).toHaveLength(kept), PATIENCE)
  for (const name of coming.slice(0, 3))
    expect(await arrives(cluster, 'friend', name, 4)).toBe(true)
  await Promise.all(coming.map((name) => cluster.detach(name)))
  await expectClean()
})

async function expectClean(): Promise<void> {
  await vi.waitFor(() => expect(nodeState(cluster.node)).toEqual(before), PATIENCE)
}

function sandboxOf(name: string, containerId: string): Sandbox {
  return { ...cluster.pod(name).sandbox, containerId }
}

function shim() {
  return { program: SHIM, runDir: cluster.node.runDir }
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
