import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findAddon, loadAddon } from '../../src/netlink/native.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-loader-'))
})

afterEach(() => {
  rmSync(folder, { recursive: true })
})

test('the addon is found from the sources and from a bundle', () => {
  const build = join(folder, 'native', 'build')
  mkdirSync(build, { recursive: true })
  writeFileSync(join(build, 'sluice.node'), '')
  for (const from of [['src', 'netlink'], ['dist'], []])
    expect(findAddon(join(folder, ...from))).toBe(join(build, 'sluice.node'))
})

test('an addon that was not built says what to do', () => {
  const missing = join(folder, 'sluice.node')
  expect(() => findAddon(folder)).toThrow(
    `is in no folder above ${folder}. Run \`make build\` first.`,
  )
  expect(() => loadAddon(missing)).toThrow(`${missing} does not exist. Run \`make build\` first.`)
})

test('an addon of another version says what to do', () => {
  const other = join(folder, 'sluice.cjs')
  writeFileSync(other, 'exports.createNamespace = () => {}')
  expect(() => loadAddon(other)).toThrow(
    `${other} is of another version. Run \`make build\` again.`,
  )
})
