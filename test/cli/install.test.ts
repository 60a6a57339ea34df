import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'
import { type InstallFiles, installProgram } from '../../src/cli/install-program.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'

const SHIM = join(import.meta.dirname, '..', '..', 'native', 'build', 'sluice-cni')

let directory: string
beforeEach(() => {
  directory = temporaryDirectory({})
})

async function install(...args: string[]) {
  const said = { out: '', err: '' }
  const code = await runCommandLine(['install', ...args], {
    out: (text) => (said.out += text),
    err: (text) => (said.err += text),
    colour: false,
  })
  return { code, ...said }
}

async function facts(path: string) {
  const { ino, mode, mtimeMs } = await fs.stat(path)
  return { ino, mode: mode & 0o7777, mtimeMs }
}

describe('sluice install', () => {
  test('makes the directory and puts the program there, executable whatever the umask', async () => {
    const bin = join(directory, 'opt', 'cni', 'bin')
    const before = process.umask(0o077)
    try {
      expect(await install('--cni-bin-dir', bin)).toEqual({
        code: 0,
        out: `installed ${join(bin, 'sluice-cni')}\n`,
        err: '',
      })
    } finally {
      process.umask(before)
    }
    expect(await fs.readdir(bin)).toEqual(['sluice-cni'])
    expect((await facts(join(bin, 'sluice-cni'))).mode).toBe(0o755)
    expect(await fs.readFile(join(bin, 'sluice-cni'))).toEqual(await fs.readFile(SHIM))
  })

  test('leaves the same program untouched', async () => {
    await install('--cni-bin-dir', directory)
    const before = await facts(join(directory, 'sluice-cni'))
    expect(await install('--cni-bin-dir', directory)).toMatchObject({
      code: 0,
      out: `${join(directory, 'sluice-cni')} is up to date\n`,
    })
    expect(await facts(join(directory, 'sluice-cni'))).toEqual(before)
  })

  test('a directory that cannot be made is a sentence', async () => {
    await fs.writeFile(join(directory, 'file'), '')
    const bin = join(directory, 'file', 'bin')
    const { code, out, err } = await install('--cni-bin-dir', bin)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(
      /^sluice: .*\/bin\/sluice-cni cannot be installed: ENOTDIR.*\. Is --cni-bin-dir a directory that you may write to\?\n$/,
    )
  })

  test('brings a loopback plugin to a node that has none, and leaves a node’s own alone', async () => {
    const loopback = join(directory, 'loopback')
    await fs.writeFile(loopback, 'ours')
    const bin = join(directory, 'bin')
    const first = await install('--cni-bin-dir', bin, '--loopback', loopback)
    expect(first.out).toContain(`installed ${join(bin, 'loopback')}\n`)
    expect((await facts(join(bin, 'loopback'))).mode).toBe(0o755)

    await fs.writeFile(join(bin, 'loopback'), 'the node’s')
    const second = await install('--cni-bin-dir', bin, '--loopback', loopback)
    expect(second).toMatchObject({ code: 0, err: '' })
    expect(await fs.readFile(join(bin, 'loopback'), 'utf8')).toBe('the node’s')
  })
})

describe('installProgram', () => {
  test('replaces another version in one step: a new file, not the old one rewritten', async () => {
    await fs.writeFile(join(directory, 'sluice-cni'), 'an older version', { mode: 0o755 })
    const running = await fs.open(join(directory, 'sluice-cni'))
    try {
      expect(await installProgram(SHIM, directory, fs)).toBe(true)
      expect(await running.readFile('utf8')).toBe('an older version')
    } finally {
      await running.close()
    }
    expect(await fs.readdir(directory)).toEqual(['sluice-cni'])
  })

  test('mends a program that may not be executed, and takes over what a crash left', async () => {
    await fs.copyFile(SHIM, join(directory, 'sluice-cni'))
    await fs.chmod(join(directory, 'sluice-cni'), 0o600)
    await fs.writeFile(join(directory, '.sluice-cni.new'), 'half', { mode: 0o600 })
    expect(await installProgram(SHIM, directory, fs)).toBe(true)
    expect(await fs.readdir(directory)).toEqual(['sluice-cni'])
    expect((await facts(join(directory, 'sluice-cni'))).mode).toBe(0o755)
  })

  test('a full disk leaves the old program and no half one', async () => {
    await fs.writeFile(join(directory, 'sluice-cni'), 'an older version')
    const full: InstallFiles = {
      ...fs,
      writeFile: async (path) => {
        await fs.writeFile(path, 'half')
        throw new Error('ENOSPC: no space left on device')
      },
    }
    await expect(installProgram(SHIM, directory, full)).rejects.toThrow('ENOSPC')
    expect(await fs.readdir(directory)).toEqual(['sluice-cni'])
    expect(await fs.readFile(join(directory, 'sluice-cni'), 'utf8')).toBe('an older version')
  })
})
