import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readDirectory, revisionOf } from '../../src/cluster/directory.ts'
import { temporaryDirectory } from './temporary-directory.ts'

async function namesIn(directory: string): Promise<string[]> {
  const { files } = await readDirectory(directory, fs)
  return files.map(({ path }) => path.slice(directory.length + 1))
}

describe('which files', () => {
  test('YAML and JSON of the directory itself, by name', async () => {
    const directory = temporaryDirectory({ 'b.yml': '', 'a.yaml': '', 'c.json': '', 'd.txt': '' })
    mkdirSync(join(directory, 'inner.yaml'))
    writeFileSync(join(directory, 'inner.yaml', 'e.yaml'), '')
    expect(await namesIn(directory)).toEqual(['a.yaml', 'b.yml', 'c.json'])
  })

  test('through symbolic links, as a ConfigMap is mounted', async () => {
    const directory = temporaryDirectory({})
    mkdirSync(join(directory, '..2026'))
    writeFileSync(join(directory, '..2026', 'a.yaml'), 'x: 1')
    symlinkSync('..2026', join(directory, '..data'))
    symlinkSync('..data/a.yaml', join(directory, 'a.yaml'))
    const { files } = await readDirectory(directory, fs)
    expect(files).toMatchObject([{ content: { kind: 'bytes', bytes: Buffer.from('x: 1') } }])
  })

  test('never a pipe, on which reading would wait', async () => {
    const directory = temporaryDirectory({})
    execFileSync('mkfifo', [join(directory, 'a.yaml')])
    expect(await namesIn(directory)).toEqual([])
  })

  test('one that cannot be read is told, and the others are read', async () => {
    const directory = temporaryDirectory({ 'b.yaml': 'x: 1' })
    symlinkSync('nowhere', join(directory, 'a.yaml'))
    expect((await readDirectory(directory, fs)).files.map(({ content }) => content)).toMatchObject([
      { kind: 'unreadable', reason: 'the file cannot be read (ENOENT)' },
      { kind: 'bytes' },
    ])
  })

  test('one that is too large is not read', async () => {
    const directory = temporaryDirectory({ 'a.yaml': '' })
    await fs.truncate(join(directory, 'a.yaml'), 65 * 1024 * 1024)
    expect((await readDirectory(directory, fs)).files[0]?.content).toEqual({
      kind: 'unreadable',
      reason: 'the file is larger than 64 MiB; split it',
    })
  })

  test('a directory that is not there is an error that says what to name', async () => {
    const missing = join(temporaryDirectory({}), 'missing')
    await expect(readDirectory(missing, fs)).rejects.toThrow(
      `The manifest directory ${missing} cannot be read (ENOENT); name a directory of *.yaml, *.yml or *.json files.`,
    )
  })
})

describe('the revision', () => {
  test('is that of the content, wherever it lies', async () => {
    const [one, same] = [
      temporaryDirectory({ 'a.yaml': 'x' }),
      temporaryDirectory({ 'a.yaml': 'x' }),
    ]
    expect(await revisionOf(one, fs)).toBe(await revisionOf(same, fs))
  })

  test.each([
    ['content', (at: string) => writeFileSync(join(at, 'a.yaml'), 'y')],
    ['name', (at: string) => renameSync(join(at, 'a.yaml'), join(at, 'b.yaml'))],
    ['another file', (at: string) => writeFileSync(join(at, 'b.yaml'), '')],
    ['no file', (at: string) => unlinkSync(join(at, 'a.yaml'))],
  ])('is another with other %s', async (_, change) => {
    const directory = temporaryDirectory({ 'a.yaml': 'x' })
    const before = await revisionOf(directory, fs)
    change(directory)
    expect(await revisionOf(directory, fs)).not.toBe(before)
  })
})

describe('a directory that goes while it is read is no empty one', () => {
  const content = { 'a.yaml': 'kind: A' }
  test.each<[string, (directory: string) => void, RegExp]>([
    ['removed', () => undefined, /cannot be read \(ENOENT\)/u],
    ['replaced', (directory) => mkdirSync(directory), /was replaced while it was read/u],
  ])('%s', async (_, replace, message) => {
    const directory = temporaryDirectory(content)
    onTestFinished(() => rmSync(`${directory}-gone`, { recursive: true }))
    const readdir = new Proxy(fs.readdir, {
      async apply() {
        renameSync(directory, `${directory}-gone`)
        replace(directory)
        // As the kernel answers who has the removed directory open.
        return []
      },
    })
    await expect(readDirectory(directory, { ...fs, readdir })).rejects.toThrow(message)
  })
})
