import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { attachmentIdOf } from '../../src/pods/attachment.ts'
import { decodeRecord, encodeRecord, type PodRecord } from '../../src/pods/record.ts'
import { type RecordFiles, Records } from '../../src/pods/records.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'

let root: string
let directory: string
let problems: string[]

beforeEach(() => {
  root = fs.mkdtempSync(join(tmpdir(), 'sluice-records-'))
  directory = join(root, 'pods')
  problems = []
})

afterEach(() => {
  fs.rmSync(root, { recursive: true })
})

function open(files: RecordFiles = fs): Records {
  return new Records({ directory, files, report: (problem) => problems.push(problem) })
}

function recordOf(containerId: string, releasedAt?: number): PodRecord {
  const id = attachmentIdOf({ containerId, ifName: 'eth0' })
  return {
    id,
    network: 'sluice',
    wiredBy: 'sluice',
    pod: { namespace: 'shop', name: 'cart-0', uid: 'u-1' },
    containerId,
    ifName: 'eth0',
    hostInterface: id,
    addresses: [ip4(0x0a000002), ip6(0xfd00n << 112n)],
    portMappings: [
      { hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIp: undefined },
      { hostPort: 53, containerPort: 5353, protocol: 'UDP', hostIp: ip4(0x7f000001) },
    ],
    netns: '/run/netns/a',
    releasedAt,
  }
}

test('what is put is there, now and for the next agent', () => {
  const live = recordOf('a')
  const resting = recordOf('b', 1_700_000_000_000)
  const first = open()
  first.put(live)
  first.put(resting)
  expect(first.get(live.hostInterface)).toEqual(live)
  const second = open()
  expect(second.get(live.hostInterface)).toEqual(live)
  expect(second.all()).toHaveLength(2)
  expect(second.get(resting.hostInterface)).toEqual(resting)
  expect(problems).toEqual([])
})

test('for the next agent they are in the order in which they were made', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
  const records = names.map((name, place) => ({ ...recordOf(name), attachedAt: place }))
  const first = open()
  for (const record of records) first.put(record)
  // Of which the file is the last that was written.
  first.put({ ...recordOf('a'), attachedAt: 0, lastTold: { labels: [], namedPorts: [] } })
  const containersOf = (one: Records) => one.all().map(({ containerId }) => containerId)
  expect(containersOf(open())).toEqual(names)
})

test('labels with any keys and values, and ports, are what they were', () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prototype'))
  const port = fc.record({
    name: text,
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const, 'SCTP' as const),
    port: fc.integer({ min: 1, max: 65535 }),
  })
  const told = fc.record({ labels: fc.array(fc.tuple(text, text)), namedPorts: fc.array(port) })
  fc.assert(
    fc.property(told, (lastTold) => {
      const record = { ...recordOf('a'), lastTold }
      expect(decodeRecord(encodeRecord(record)).lastTold).toEqual(lastTold)
    }),
  )
})

test('what is removed is gone for good, and removing it again is fine', () => {
  const record = recordOf('a')
  const records = open()
  records.put(record)
  records.remove(record.hostInterface)
  records.remove(record.hostInterface)
  expect(records.all()).toEqual([])
  expect(open().all()).toEqual([])
  expect(fs.readdirSync(directory)).toEqual([])
})

test('only root can read them', () => {
  const record = recordOf('a')
  open().put(record)
  expect(fs.statSync(directory).mode & 0o777).toBe(0o700)
  expect(fs.statSync(join(directory, `${record.hostInterface}.json`)).mode & 0o777).toBe(0o600)
})

describe('files that are no records are reported and left alone', () => {
  const whole = JSON.stringify({ ...recordOf('a'), addresses: ['10.0.0.2'], portMappings: [] })
  const name = `${recordOf('a').hostInterface}.json`
  test.each([
    ['truncated', name, whole.slice(0, 60), 'JSON'],
    ['empty', name, '', 'JSON'],
    ['of another shape', name, '{"pod":{"namespace":"x"}}', 'pod.name must be'],
    [
      'with a bad address',
      name,
      whole.replace('10.0.0.2', '10.0.0.256'),
      '"10.0.0.256" is no address',
    ],
    ['foreign', 'notes.txt', 'hello', 'JSON'],
    ['another name', 'slc0.json', whole, `it is the record of ${recordOf('a').hostInterface}`],
  ])('%s', (_, file, text, reason) => {
    fs.mkdirSync(directory)
    fs.writeFileSync(join(directory, file), text)
    const records = open()
    expect(records.all()).toEqual([])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(
      `${join(directory, file)} is no record of a pod and is left alone`,
    )
    expect(problems[0]).toContain(reason)
    expect(fs.readFileSync(join(directory, file), 'utf8')).toBe(text)
  })

  test('a directory', () => {
    fs.mkdirSync(join(directory, 'x'), { recursive: true })
    open()
    expect(problems).toHaveLength(1)
    expect(fs.existsSync(join(directory, 'x'))).toBe(true)
  })
})

test('what a writer that died left unfinished is removed', () => {
  fs.mkdirSync(directory)
  fs.writeFileSync(join(directory, 'slc0123456789ab.json.tmp'), '{"po')
  expect(open().all()).toEqual([])
  expect(fs.readdirSync(directory)).toEqual([])
  expect(problems).toEqual([])
})

test.each(['writeFileSync', 'renameSync'] as const)(
  'a failing %s leaves the old record',
  (call) => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const fail = (path: fs.PathLike): never => {
      fs.writeFileSync(path, '{"po')
      throw full
    }
    open().put(recordOf('a'))
    const records = open({ ...fs, [call]: fail })
    const changed = recordOf('a', 5)
    expect(() => records.put(changed)).toThrow(/cannot be written: no space left on device$/u)
    expect(records.get(changed.hostInterface)).toEqual(recordOf('a'))
    expect(fs.readdirSync(directory)).toEqual([`${changed.id}.json`])
    expect(open().get(changed.hostInterface)).toEqual(recordOf('a'))
  },
)

test('a directory that cannot be read is an error that names it', () => {
  fs.writeFileSync(directory, 'a file')
  expect(() => open()).toThrow(`The records in ${directory} cannot be read: `)
})

test('a record of an agent that knew neither id, network, chains nor ports', () => {
  const { id, network: _, wiredBy: __, portMappings: ___, ...old } = recordOf('a')
  fs.mkdirSync(directory)
  const written = { ...old, addresses: ['10.0.0.2', 'fd00::'] }
  fs.writeFileSync(join(directory, `${id}.json`), JSON.stringify(written))
  expect(open().get(id)).toEqual({ ...recordOf('a'), network: '', portMappings: [] })
})
