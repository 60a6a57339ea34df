import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { formatAddress, parseCidr } from '../../src/policy/address.ts'
import { nodeState } from './node-state.ts'
import { ofFamily, SHIM, SmallCluster } from './small-cluster.ts'

/** A node whose pods have all addresses of one family, with many of the other left. */
const RANGES = ['10.244.7.0/29', 'fd00:10:244:7::/64']
const podCidrs = RANGES.flatMap((text) => parseCidr(text)?.cidr ?? [])
const flags: string[] = []
const cluster = new SmallCluster(1, { podCidrs, flags })
/** Eight without network, gateway and broadcast. */
const CAPACITY = 5
const names = Array.from({ length: CAPACITY }, (_, place) => `pod${place}`)

beforeAll(async () => {
  await cluster.start()
  await cluster.add(...names.map((name) => ({ name })))
  await cluster.declare({ name: 'late' })
})

afterAll(() => cluster.stop())

test('an ADD too many names the range and its use, and leaves nothing; STATUS says it before', async () => {
  const before = nodeState(cluster.node)
  await expect(cluster.attach('late')).rejects.toThrow(
    'CNI ADD of shop/late failed: All 5 addresses of 10.244.7.0/29 are in use (5 pods); give this node another range (code 101)',
  )
  expect(nodeState(cluster.node)).toEqual(before)
  expect(status()).toEqual({
    exitCode: 1,
    answer: expect.objectContaining({
      code: 50,
      msg: expect.stringContaining('All 5 addresses of 10.244.7.0/29 are in use'),
    }),
  })
})

test('it is so for the next agent as well', async () => {
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  await expect(cluster.attach('late')).rejects.toThrow('(code 101)')
  expect(status()).toMatchObject({ exitCode: 1, answer: { code: 50 } })
})

test('a DEL frees an address, without its rest where nothing else is left', async () => {
  const [first = ''] = names
  const freed = ofFamily(cluster.pod(first).addresses, 4)
  await cluster.detach(first)
  await vi.waitFor(() => expect(status()).toEqual({ exitCode: 0, answer: undefined }))
  const { addresses } = await cluster.attach('late')
  expect(formatAddress(ofFamily(addresses, 4))).toBe(formatAddress(freed))
  expect(ofFamily(addresses, 6)).not.toBe(ofFamily(cluster.pod(first).addresses, 6))
  expect(status()).toMatchObject({ exitCode: 1, answer: { code: 50 } })
})

test('an agent that lets addresses rest for no time gives the first freed, of another agent’s time too', async () => {
  const [first = ''] = names
  const freedBefore = ofFamily(cluster.pod(first).addresses, 6)
  await cluster.detach('late')
  await cluster.killAgent(cluster.node)
  flags.push('--address-cooldown', '0')
  await cluster.startAgent(cluster.node)
  const { addresses } = await cluster.attach('late')
  expect(formatAddress(ofFamily(addresses, 6))).toBe(formatAddress(freedBefore))
})

function status(): { exitCode: number | null; answer: unknown } {
  const { runDir } = cluster.node
  const { status: exitCode, stdout } = spawnSync(SHIM, {
    env: { CNI_COMMAND: 'STATUS', SLUICE_CNI_SOCKET: join(runDir, 'cni.sock') },
    input: JSON.stringify({ cniVersion: '1.1.0', name: 'sluice', type: 'sluice-cni' }),
    encoding: 'utf8',
  })
  return { exitCode, answer: stdout === '' ? undefined : JSON.parse(stdout) }
}
