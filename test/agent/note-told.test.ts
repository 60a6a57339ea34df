import fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { lastToldOf, toldPodOf } from '../../src/agent/last-told.ts'
import { noteTold } from '../../src/agent/note-told.ts'
import type { ToldPod } from '../../src/cluster/local-pods.ts'
import type { PodRecord } from '../../src/pods/record.ts'
import { type RecordFiles, Records } from '../../src/pods/records.ts'
import { WEB_ATTACHMENT } from '../pods/web-attachment.ts'
import * as arbitraries from '../policy/arbitraries.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'

const record: PodRecord = {
  ...WEB_ATTACHMENT,
  netns: '/run/netns/a',
  releasedAt: undefined,
}
const told: ToldPod = { labels: new Map([['app', 'web']]), namedPorts: [] }
const lastTold = { labels: [['app', 'web']], namedPorts: [] }

test('news goes into the record, for the next agent', () => {
  const { records, note, reopen } = scene()
  records.put(record)
  note('slc1', told)
  expect(reopen().get('slc1')).toEqual({ ...record, lastTold })
})

test('what is no news is not written, in the eyes of the next agent too', () => {
  const { records, note, reopen, writes } = scene()
  records.put(record)
  note('slc1', told)
  const before = writes()
  note('slc1', { ...told, labels: new Map(told.labels) })
  noteTold('slc1', told, { records: reopen(), log: pino({ level: 'silent' }) })
  expect(writes()).toBe(before)
  note('slc1', { ...told, labels: new Map([['app', 'db']]) })
  expect(writes()).toBe(before + 1)
})

test.each([{ leftAt: 1 }, { releasedAt: 1 }])('who leaves, goes on leaving: %o', (end) => {
  const { records, note } = scene()
  records.put({ ...record, ...end })
  note('slc1', told)
  expect(records.get('slc1')).toEqual({ ...record, ...end })
})

test('an attachment without a record gets none', () => {
  const { records, note } = scene()
  note('slc1', told)
  expect(records.all()).toEqual([])
})

test('where it cannot be written the record stays, the log says so, and it is tried when told again', () => {
  const { records, note, failing, lines } = scene()
  records.put(record)
  failing.now = true
  note('slc1', told)
  expect(records.get('slc1')).toEqual(record)
  expect(lines).toMatchObject([
    { event: 'record.behind', msg: expect.stringContaining('The record of shop/web-0 (eth0)') },
  ])
  failing.now = false
  note('slc1', told)
  expect(records.get('slc1')).toEqual({ ...record, lastTold })
})

test('what is read back is what was told', () => {
  fc.assert(
    fc.property(arbitraries.pod, ({ labels, namedPorts }) => {
      expect(toldPodOf(lastToldOf({ labels, namedPorts }))).toEqual({ labels, namedPorts })
    }),
  )
})

function scene() {
  const directory = join(temporaryDirectory({}), 'pods')
  const failing = { now: false }
  let writes = 0
  const files: RecordFiles = {
    ...fs,
    renameSync: (from, to) => {
      if (failing.now) throw new Error('no space left on device')
      writes += 1
      fs.renameSync(from, to)
    },
  }
  const lines: unknown[] = []
  const log = pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) })
  const reopen = () => new Records({ directory, files, report: (problem) => lines.push(problem) })
  const records = reopen()
  return {
    records,
    reopen,
    failing,
    lines,
    writes: () => writes,
    note: (id: string, pod: ToldPod) => noteTold(id, pod, { records, log }),
  }
}
