import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { GROUPS } from '../../bench/groups.ts'

const ROOT = join(import.meta.dirname, '..', '..')

test.each([
  ['quick', 3],
  ['full', 30],
] as const)('the %s mode is planned to take less than %i minutes', (mode, minutes) => {
  const seconds = GROUPS.map((group) => group.seconds[mode])
  expect(seconds.reduce((sum, one) => sum + one, 0)).toBeLessThan(60 * minutes)
})

test.each(GROUPS)('the script of $name is there', ({ script }) => {
  expect(existsSync(join(ROOT, script))).toBe(true)
})
