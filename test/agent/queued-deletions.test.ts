import fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { carryOutQueuedDeletions, type QueuedDeletions } from '../../src/agent/queued-deletions.ts'
import type { CniRequest } from '../../src/cni/frame.ts'
import { encodeRequest } from '../cni/encode-request.ts'

let runDirectory: string
let done: string[]
let queued: QueuedDeletions

beforeEach(async () => {
  runDirectory = await fs.mkdtemp(join(tmpdir(), 'sluice-queued-'))
  await fs.mkdir(join(runDirectory, 'del'))
  done = []
})

afterEach(async () => {
  queued.close()
  await fs.rm(runDirectory, { recursive: true })
})

async function start(): Promise<void> {
  queued = await carryOutQueuedDeletions(
    { runDirectory, log: pino({ level: 'silent' }) },
    async ({ environment }) => {
      done.push(`${environment.get('CNI_COMMAND')} ${environment.get('CNI_CONTAINERID')}`)
      return { exitCode: 0, body: '' }
    },
  )
}

function requestOf(command: string, container: string): CniRequest {
  const environment = { CNI_COMMAND: command, CNI_CONTAINERID: container, CNI_IFNAME: 'eth0' }
  return { environment: new Map(Object.entries(environment)), stdin: '{}' }
}

/** As a shim does that finds nobody. */
async function queue(container: string): Promise<void> {
  await fs.writeFile(
    join(runDirectory, 'del', container),
    encodeRequest(requestOf('DEL', container)),
  )
}

test('those that wait are carried out before any request is', async () => {
  await queue('a')
  await start()
  expect(done).toEqual(['DEL a'])
})

test('an ADD comes after a DEL that was queued before it, and is not taken away by it later', async () => {
  await start()
  await queue('a')
  await queued.handle(requestOf('ADD', 'a'))
  expect(done).toEqual(['DEL a', 'ADD a'])
  await queued.handle(requestOf('ADD', 'b'))
  expect(done).toEqual(['DEL a', 'ADD a', 'ADD b'])
})

test('each is carried out once, however many ADDs come', async () => {
  await start()
  await queue('a')
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => queued.handle(requestOf('ADD', name))))
  expect(done.filter((line) => line.startsWith('DEL'))).toEqual(['DEL a'])
  expect(done[0]).toBe('DEL a')
})

test('other verbs do not wait', async () => {
  await start()
  await queue('a')
  await queued.handle(requestOf('CHECK', 'a'))
  expect(done).toEqual(['CHECK a'])
})
