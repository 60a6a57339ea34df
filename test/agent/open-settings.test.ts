import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { OWN_NETNS, openSettings } from '../../src/agent/open-settings.ts'

let procSys: string

beforeEach(() => {
  procSys = mkdtempSync(join(tmpdir(), 'sluice-settings-'))
  mkdirSync(join(procSys, 'net', 'ipv4', 'conf', 'eth0'), { recursive: true })
})

afterEach(() => rmSync(procSys, { recursive: true }))

test('a setting is written where /proc/sys can be written', () => {
  const file = join(procSys, 'net', 'ipv4', 'conf', 'eth0', 'x')
  writeFileSync(file, '1')
  const settings = openSettings(procSys)
  settings.write(OWN_NETNS, '/proc/sys/net/ipv4/conf/eth0', { x: '0' })
  expect(readFileSync(file, 'utf8')).toBe('0')
  settings.close()
})

test('what is not there is an error that names it, and is not made', () => {
  const settings = openSettings(procSys)
  const write = (directory: string) => () => settings.write(OWN_NETNS, directory, { y: '0' })
  expect(write('/proc/sys/net/ipv4/conf/eth0')).toThrow(
    expect.objectContaining({
      code: 'ENOENT',
      message: 'Cannot write /proc/sys/net/ipv4/conf/eth0/y: No such file or directory (ENOENT).',
    }),
  )
  // There is no IPv6 here at all.
  expect(write('/proc/sys/net/ipv6/conf/all')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  settings.close()
})
