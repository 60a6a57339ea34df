import { afterAll, beforeAll, expect, test } from 'vitest'
import { callCni } from './cni-call.ts'
import { type NodeState, nodeState } from './node-state.ts'
import { apps, policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** GC against the real kernel: what is not listed leaves nothing, what is listed stays whole. */
const cluster = new SmallCluster(1)
const DONE = { exitCode: 0, body: undefined }

let alone: NodeState

beforeAll(async () => {
  await cluster.start()
  await cluster.enforce(policy('all', undefined, { ingress: [{ from: apps('kept') }], egress: [] }))
  await cluster.add({ name: 'kept' })
  alone = nodeState(cluster.node)
  await cluster.declare({ name: 'stale' }, { name: 'other' })
})

afterAll(() => cluster.stop())

function listed(...names: string[]): object[] {
  return names.map((name) => ({
    containerID: cluster.pod(name).sandbox.containerId,
    ifname: 'eth0',
  }))
}

function collect(config: object) {
  return callCni(cluster.node, 'GC', undefined, config)
}

/** Classes are the compiler's own affair; all else must be as it was. */
function withoutClasses({ elements, ...rest }: NodeState): object {
  return { ...rest, elements: elements.filter((one) => !/class|ports/u.test(one)) }
}

test.each(['cni.dev/valid-attachments', 'cni.dev/attachments'])('by %s', async (key) => {
  await cluster.attach('stale')
  expect(await collect({ [key]: listed('kept', 'stale') })).toEqual(DONE)
  expect(withoutClasses(nodeState(cluster.node))).not.toEqual(withoutClasses(alone))
  expect(await collect({ [key]: listed('kept') })).toEqual(DONE)
  await until('nothing is left of the stale pod', () =>
    deepEqual(withoutClasses(nodeState(cluster.node)), withoutClasses(alone)),
  )
  const again = await callCni(cluster.node, 'ADD', cluster.pod('stale').sandbox)
  expect(again.exitCode).toBe(0)
  await cluster.detach('stale')
})

test('another network keeps its attachments', async () => {
  const { sandbox } = cluster.pod('other')
  const added = await callCni(cluster.node, 'ADD', sandbox, { name: 'second' })
  expect(added.exitCode).toBe(0)
  expect(await collect({ 'cni.dev/valid-attachments': listed('kept') })).toEqual(DONE)
  const checked = await callCni(cluster.node, 'CHECK', sandbox, {
    name: 'second',
    prevResult: added.body,
  })
  expect(checked).toEqual(DONE)
  expect(await collect({ name: 'second', 'cni.dev/valid-attachments': [] })).toEqual(DONE)
  const gone = await callCni(cluster.node, 'CHECK', sandbox, {
    name: 'second',
    prevResult: added.body,
  })
  expect(gone.body).toMatchObject({ code: 3 })
})

test('without a list nothing goes', async () => {
  const before = nodeState(cluster.node)
  expect(await collect({})).toMatchObject({ exitCode: 1, body: { code: 7 } })
  expect(nodeState(cluster.node)).toEqual(before)
})

function deepEqual(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
