import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type DelQueueOptions, drainDelQueue } from '../../src/cni/del-queue.ts'
import type { CniRequest } from '../../src/cni/frame.ts'
import { encodeRequest } from './encode-request.ts'
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

function drain(handle: CniHandler = succeed, files: DelQueueOptions['files'] = fs) {
  return drainDelQueue({
    directory,
    handle,
    files,
    now: Date.now,
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

test('what a shim that was killed left half written is removed after a minute', async () => {
  const path = join(directory, '.sluice-a')
  await fs.writeFile(path, 'SLC1')
  const before = Date.now() / 1000
  await fs.utimes(path, before - 50, before - 50)
  expect(await drain()).toBe(0)
  expect(await fs.readdir(directory)).toEqual(['.sluice-a'])
  await fs.utimes(path, before - 70, before - 70)
  expect(await drain()).toBe(0)
  expect(await fs.readdir(directory)).toEqual([])
  expect(problems).toEqual([])
})

test('a file that its shim gives its name in this moment is no problem', async () => {
  await fs.writeFile(join(directory, '.sluice-a'), encodeRequest(del('x')))
  const files = { ...fs }
  const gone = Object.assign(new Error('no such file'), { code: 'ENOENT' })
  vi.spyOn(files, 'stat').mockRejectedValueOnce(gone)
  expect(await drain(succeed, files)).toBe(0)
  expect(problems).toEqual([])
})

test.each(['stat', 'readFile', 'rm'] as const)(
  'one that cannot be dealt with now (%s fails) is told and stays, and the others go on',
  async (call) => {
    await fs.writeFile(join(directory, 'a'), encodeRequest(del('first')))
    await fs.writeFile(join(directory, 'b'), encodeRequest(del('second')))
    const full = Object.assign(new Error('too many open files'), { code: 'EMFILE' })
    const files = { ...fs }
    vi.spyOn(files, call).mockRejectedValueOnce(full)
    expect(await drain(succeed, files)).toBe(1)
    expect(problems).toEqual([
      `The queued DEL ${join(directory, 'a')} stays queued: too many open files`,
    ])
    expect(await fs.readdir(directory)).toEqual(['a'])
    expect(await drain()).toBe(1)
    expect(handled.filter((id) => id === 'second')).toHaveLength(1)
  },
)
