import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { switchesOff } from '../../src/lab/user-namespace-switches.ts'

let proc: string

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'sluice-switches-'))
})
afterEach(() => rmSync(proc, { recursive: true }))

function setting(path: string, value: string): void {
  const file = join(proc, 'sys', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${value}\n`)
}

test('a machine that has no switches, or has them on, keeps nothing back', async () => {
  expect(await switchesOff({ proc })).toEqual([])
  setting('user/max_user_namespaces', '96365')
  setting('kernel/unprivileged_userns_clone', '1')
  setting('kernel/apparmor_restrict_unprivileged_userns', '0')
  expect(await switchesOff({ proc })).toEqual([])
})

test.each([
  ['user/max_user_namespaces', '0', 'sysctl -w user.max_user_namespaces=10000'],
  ['kernel/unprivileged_userns_clone', '0', 'sysctl -w kernel.unprivileged_userns_clone=1'],
  [
    'kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
])('%s of %s is told with its remedy', async (path, value, remedy) => {
  setting(path, value)
  const name = path.replace('/', '.')
  expect(await switchesOff({ proc })).toEqual([`${name} is ${value}: root can \`${remedy}\`.`])
})
