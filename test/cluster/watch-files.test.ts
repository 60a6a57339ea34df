import { watch } from 'node:fs'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { revisionOf } from '../../src/cluster/directory.ts'
import { type WatchSystem, watchFiles } from '../../src/cluster/watch-files.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const real: WatchSystem = { fs, watch, setTimeout, clearTimeout }
/** Notifications that never come: only the poll is left, and its timers run at once. */
const deaf: WatchSystem = {
  ...real,
  watch: () => {
    throw new Error('no inotify watches are left')
  },
  setTimeout: (callback) => setTimeout(callback, 1),
}

function watched(directory: string, system: WatchSystem) {
  const revisions: string[] = []
  const values: unknown[] = []
  const errors: string[] = []
  const handle = watchFiles(directory, system, {
    onManifests: (manifests) => {
      revisions.push(manifests.revision)
      values.push(manifests.documents.map(({ value }) => value))
    },
    onError: (error) => errors.push(error.message),
  })
  onTestFinished(handle.close)
  return { revisions, values, errors, close: handle.close }
}

/** Until the watch has seen what the directory holds now. */
async function seen(directory: string, { revisions }: { revisions: string[] }): Promise<void> {
  const revision = await revisionOf(directory, fs)
  await vi.waitFor(() => expect(revisions.at(-1)).toBe(revision), { timeout: 9_000, interval: 5 })
}

test('the first content is told, and each change', async () => {
  const directory = temporaryDirectory({ 'a.yaml': 'kind: A' })
  const told = watched(directory, real)
  await seen(directory, told)
  writeFileSync(join(directory, 'a.yaml'), 'kind: B')
  await seen(directory, told)
  writeFileSync(join(directory, 'b.yaml'), 'kind: C')
  await seen(directory, told)
  rmSync(join(directory, 'a.yaml'))
  await seen(directory, told)
  expect(told.values.at(0)).toEqual([{ kind: 'A' }])
  expect(told.values.at(-1)).toEqual([{ kind: 'C' }])
  expect(told.errors).toEqual([])
})

test('a ConfigMap mount that is switched over is noticed', async () => {
  const directory = temporaryDirectory({})
  for (const [name, text] of Object.entries({ '..1': 'kind: A', '..2': 'kind: B' })) {
    mkdirSync(join(directory, name))
    writeFileSync(join(directory, name, 'a.yaml'), text)
  }
  symlinkSync('..1', join(directory, '..data'))
  symlinkSync('..data/a.yaml', join(directory, 'a.yaml'))
  const told = watched(directory, real)
  await seen(directory, told)
  symlinkSync('..2', join(directory, '..data_tmp'))
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
  await seen(directory, told)
  expect(told.values.at(-1)).toEqual([{ kind: 'B' }])
})

test('without notifications there is the poll', async () => {
  const directory = temporaryDirectory({ 'a.yaml': 'kind: A' })
  const told = watched(directory, deaf)
  await seen(directory, told)
  writeFileSync(join(directory, 'a.yaml'), 'kind: B')
  await seen(directory, told)
  expect(told.revisions).toHaveLength(2)
})

test('a directory that goes is an error, and is read again when it comes back', async () => {
  const directory = temporaryDirectory({ 'a.yaml': 'kind: A' })
  const told = watched(directory, deaf)
  await seen(directory, told)
  // At once: a reading must not meet it empty.
  renameSync(directory, `${directory}-gone`)
  rmSync(`${directory}-gone`, { recursive: true })
  await vi.waitFor(() => expect(told.errors[0]).toMatch(/cannot be read \(ENOENT\)/))
  expect(told.revisions).toHaveLength(1)
  mkdirSync(directory)
  writeFileSync(join(directory, 'a.yaml'), 'kind: B')
  await seen(directory, told)
})

test('many notifications in a row cost few readings', async () => {
  const directory = temporaryDirectory({ 'a.yaml': 'kind: A' })
  let readings = 0
  let notify = (): void => undefined
  const system: WatchSystem = {
    ...real,
    fs: { ...fs, readdir: counting(() => (readings += 1)) },
    watch: (_, onChange) => {
      notify = onChange
      return { close: () => undefined, on: () => undefined }
    },
  }
  const told = watched(directory, system)
  await seen(directory, told)
  const before = readings
  writeFileSync(join(directory, 'a.yaml'), 'kind: B')
  for (let at = 0; at < 100; at++) notify()
  await seen(directory, told)
  expect(readings - before).toBeLessThanOrEqual(2)
})

test('nothing is told after close', async () => {
  const directory = temporaryDirectory({ 'a.yaml': 'kind: A' })
  const told = watched(directory, deaf)
  told.close()
  const after = watched(directory, deaf)
  await seen(directory, after)
  expect(told.revisions).toEqual([])
})

function counting(count: () => void): typeof fs.readdir {
  return new Proxy(fs.readdir, {
    apply(target, self, args) {
      count()
      return Reflect.apply(target, self, args)
    },
  })
}
