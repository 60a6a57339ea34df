import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type NodeState, nodeState } from './node-state.ts'
import { SmallCluster } from './small-cluster.ts'

/** The directory of the socket is not there: before the first agent, or since somebody removed it. */
const cluster = new SmallCluster(1)
let before: NodeState

beforeAll(async () => {
  await cluster.start()
  before = nodeState(cluster.node)
  await cluster.declare({ name: 'leaving' }, { name: 'late' }, { name: 'later' })
  await cluster.attach('leaving')
})

afterAll(() => cluster.stop())

test('ADD is put off, DEL is queued in a directory that is made for it, and done by the next agent', async () => {
  const { runDir } = cluster.node
  await cluster.killAgent(cluster.node)
  rmSync(runDir, { recursive: true })
  await expect(cluster.attach('late')).rejects.toThrow(
    /\(code 11\).*connecting to .*\/cni\.sock: No such file or directory/su,
  )
  await cluster.detach('leaving')
  expect(nodeState(cluster.node).queuedDeletions).toHaveLength(1)

  await cluster.startAgent(cluster.node)
  await vi.waitFor(() => expect(nodeState(cluster.node)).toEqual(before))
  await cluster.attach('late')
})

test('a socket that goes while the agent runs: ADD is put off, and the next agent is served', async () => {
  rmSync(join(cluster.node.runDir, 'cni.sock'))
  await expect(cluster.attach('later')).rejects.toThrow('(code 11)')
  await cluster.detach('late')
  await cluster.killAgent(cluster.node)
  await cluster.startAgent(cluster.node)
  await vi.waitFor(() => expect(nodeState(cluster.node)).toEqual(before))
  await cluster.attach('later')
})
