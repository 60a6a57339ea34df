import { afterAll, beforeAll, expect, test } from 'vitest'
import { blockOf, ip4 } from '../../src/policy/address.ts'
import { callCni } from './cni-call.ts'
import { nft } from './node-kernel.ts'
import { policy, SmallCluster } from './small-cluster.ts'
import { until } from './until.ts'

/** STATUS as a runtime asks it, of a node with room for five pods. */
const cluster = new SmallCluster(1, {
  podCidrs: [blockOf(ip4(0x0a4d_0000), 29)],
  // Somebody else's element stands for a kernel that refuses.
  flags: ['--guard', 'off'],
})
const READY = { exitCode: 0, body: undefined }

beforeAll(() => cluster.start())
afterAll(() => cluster.stop())

function status() {
  return callCni(cluster.node, 'STATUS', undefined)
}

test('ready', async () => {
  expect(await status()).toEqual(READY)
})

test('no address is left, until a pod goes', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  await cluster.add(...names.map((name) => ({ name })))
  await cluster.declare({ name: 'late' })
  expect(await status()).toEqual({
    exitCode: 1,
    body: {
      cniVersion: '1.1.0',
      code: 50,
      msg: 'All 5 addresses of 10.77.0.0/29 are in use; give this node another range',
    },
  })
  await expect(cluster.attach('late')).rejects.toThrow('(code 101)')
  await cluster.detach('a')
  await until('there is room again', async () => (await status()).exitCode === 0)
  expect(await cluster.attach('late')).toMatchObject({ addresses: [expect.anything()] })
  await cluster.detach('late')
})

test('the kernel refuses policy', async () => {
  const { node } = cluster
  const element = 'element inet sluice in_pods4 { 10.77.0.3'
  nft(node.netns, `add ${element} }`)
  await cluster.propose(policy('all', undefined, { ingress: [] }))
  await until('STATUS tells', async () => (await status()).exitCode === 1)
  expect((await status()).body).toMatchObject({
    code: 51,
    msg: expect.stringMatching(
      /^The kernel refused a change to table inet sluice.*It is tried again$/su,
    ),
  })
  nft(node.netns, `delete ${element} }`)
  await until('STATUS is ready again', async () => (await status()).exitCode === 0)
})

test('the agent is away, then starting, then ready', async () => {
  const { node } = cluster
  await cluster.killAgent(node)
  expect((await status()).body).toMatchObject({ code: 50, msg: AWAY })
  const told = new Set<unknown>()
  const started = cluster.startAgent(node)
  await until('STATUS is ready', async () => {
    const { exitCode, body } = await status()
    if (exitCode !== 0) told.add(Object(body).msg)
    return exitCode === 0
  })
  await started
  expect([...told].filter((msg) => msg !== AWAY)).toEqual([
    'The Sluice agent of this node is starting: the policies of its pods are not all in force yet',
  ])
})

const AWAY = 'The Sluice agent of this node does not answer'
