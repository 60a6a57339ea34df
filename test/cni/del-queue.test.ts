import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { drainDelQueue } from '../../src/cni/del-queue.ts'
import { type CniRequest, encodeRequest } from '../../src/cni/frame.ts'
import type { CniHandler } from '../../src/cni/verbs.ts'

let directory: string
let problems: string[]
let handled: string[]

beforeEach(async () => {
  directory = await fs.mkdtemp(join(tmpdir(), 'sluice-queue-'))
  problems = []
  handled = []
})

afterEach(async () => {
  await fs.rm(directory, { recursive: true })
})

function del(containerId: string, command = 'DEL'): CniRequest {
  const environment = { CNI_COMMAND: command, CNI_CONTAINERID: containerId, CNI_IFNAME: 'eth0' }
  return { environment: new Map(Object.entries(environment)), stdin: '{}' }
}

const succeed: CniHandler = async ({ environment }) => {
  handled.push(environment.get('CNI_CONTAINERID') ?? '')
  return { exitCode: 0, body: '' }
}

function drain(handle: CniHandler = succeed): Promise<number> {
  return drainDelQueue({
    directory,
    handle,
    files: fs,
    report: (problem) => problems.push(problem),
  })
}

test('every queued DEL is carried out and removed, once', async () => {
  await fs.writeFile(join(directory, 'b'), encodeRequest(del('second')))
  await fs.writeFile(join(directory, 'a'), encodeRequest(del('first')))
  expect(await drain()).toBe(2)
  expect(handled).toEqual(['first', 'second'])
  expect(await drain()).toBe(0)
  expect(problems).toEqual([])
})

test('one that fails stays for the next time, and the others go on', async () => {
  await fs.writeFile(join(directory, 'a'), encodeRequest(del('bad')))
  await fs.writeFile(join(directory, 'b'), encodeRequest(del('good')))
  const done = await drain(async (request) =>
    request.environment.get('CNI_CONTAINERID') === 'bad'
      ? { exitCode: 1, body: '{"code":11}' }
      : succeed(request),
  )
  expect(done).toBe(1)
  expect(await fs.readdir(directory)).toEqual(['a'])
  expect(problems).toEqual([
    `The queued DEL ${join(directory, 'a')} failed and stays queued: {"code":11}`,
  ])
})

test.each([
  ['garbage', Buffer.from('garbage'), 'it does not begin with SLC1'],
  ['half a frame', encodeRequest(del('x')).subarray(0, 30), 'it is cut short'],
  ['an ADD', encodeRequest(del('x', 'ADD')), 'its CNI_COMMAND is "ADD"'],
  ['a DEL of nothing', encodeRequest(del('')), 'CNI_CONTAINERID is missing'],
  ['too much', Buffer.alloc(1_200_000), 'it has 1200000 bytes, more than any request'],
])('%s is reported and removed', async (_, bytes, reason) => {
  const path = join(directory, 'a')
  await fs.writeFile(path, bytes)
  expect(await drain()).toBe(0)
  expect(handled).toEqual([])
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(`${path} is no queued DEL and is removed: `)
  expect(problems[0]).toContain(reason)
  expect(await fs.readdir(directory)).toEqual([])
})

test('what the shim is still writing is left to it, and no directory is an empty queue', async () => {
  await fs.writeFile(join(directory, '.a'), 'SLC1')
  expect(await drain()).toBe(0)
  expect(await fs.readdir(directory)).toEqual(['.a'])
  directory = join(directory, 'nowhere')
  expect(await drain()).toBe(0)
  expect(problems).toEqual([])
  directory = join(directory, '..')
})
