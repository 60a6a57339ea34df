import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { nodeState } from './node-state.ts'
import { SmallCluster } from './small-cluster.ts'

/** Records and queued deletions on a file system without a byte of room. */
const cluster = new SmallCluster(1)
const disk = fs.mkdtempSync(join(tmpdir(), 'sluice-full-'))
const FILLER = join(disk, 'filler')

beforeAll(async () => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'sluice-test', disk])
  await cluster.start()
  await cluster.killAgent(cluster.node)
  for (const name of ['pods', 'del']) {
    fs.mkdirSync(join(disk, name))
    fs.rmSync(join(cluster.node.runDir, name), { recursive: true, force: true })
    fs.symlinkSync(join(disk, name), join(cluster.node.runDir, name))
  }
  await cluster.startAgent(cluster.node)
  await cluster.add({ name: 'staying' }, { name: 'leaving' }, { name: 'drained' })
  await cluster.declare({ name: 'late' })
})

beforeEach(fill)

afterAll(async () => {
  await cluster.stop()
  execFileSync('umount', [disk])
  fs.rmdirSync(disk)
})

test('ADD says what it could not write and why, and leaves nothing', async () => {
  const before = nodeState(cluster.node)
  await expect(cluster.attach('late')).rejects.toThrow(
    /^CNI ADD of shop\/late failed: The record .*\.json cannot be written: ENOSPC: no space left on device.*\(code 5\)/u,
  )
  expect(nodeState(cluster.node)).toEqual(before)
})

test('DEL takes the pod away all the same', async () => {
  await cluster.detach('leaving')
  await vi.waitFor(() => expect(nodeState(cluster.node).records).toHaveLength(2))
  expect(nodeState(cluster.node).links.filter((link) => link.startsWith('slc'))).toHaveLength(2)
})

test('an agent starts; a DEL meanwhile is no success that nobody carries out', async () => {
  const before = nodeState(cluster.node)
  await cluster.killAgent(cluster.node)
  await expect(cluster.detach('drained')).rejects.toThrow(
    /does not answer.*\(code 11\).*could not be queued in .*\/del: No space left on device/su,
  )
  expect(nodeState(cluster.node).queuedDeletions).toEqual([])
  await cluster.startAgent(cluster.node)
  expect(nodeState(cluster.node)).toEqual(before)
  await cluster.detach('drained')
  await vi.waitFor(() => expect(nodeState(cluster.node).records).toHaveLength(1))
})

test('with room again ADD succeeds', async () => {
  fs.rmSync(FILLER)
  await cluster.attach('late')
  expect(nodeState(cluster.node).records).toHaveLength(2)
})

function fill(): void {
  const file = fs.openSync(FILLER, 'a')
  try {
    for (;;) fs.writeSync(file, Buffer.alloc(4096))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  } finally {
    fs.closeSync(file)
  }
}
