import { describe, expect, test } from 'vitest'
import {
  isAtLeast,
  type ObjectVersion,
  versionInFile,
  versionOnServer,
  versionText,
} from '../../src/cluster/object-version.ts'

const object = { metadata: { name: 'web', uid: 'one', generation: 3 }, spec: { podSelector: {} } }

test('a server counts versions', () => {
  expect(versionOnServer(object)).toEqual({ uid: 'one', generation: 3 })
  expect(versionText(versionOnServer(object))).toBe('3')
})

test('in files the content is the version, whatever generation kubectl wrote there', () => {
  const same = versionInFile({ ...object })
  expect(versionText(same)).toMatch(/^[0-9a-f]{12}$/)
  expect(versionInFile(object)).toEqual(same)
  expect(versionInFile({ ...object, spec: { podSelector: null } })).not.toEqual(same)
})

describe('whether one version is another or comes after it', () => {
  const of = (uid: string, generation: number): ObjectVersion => ({ uid, generation })
  const cases: readonly [ObjectVersion, ObjectVersion, boolean][] = [
    [of('one', 3), of('one', 3), true],
    [of('one', 4), of('one', 3), true],
    [of('one', 2), of('one', 3), false],
    [of('two', 4), of('one', 3), false],
    [{ digest: 'a' }, { digest: 'a' }, true],
    [{ digest: 'a' }, { digest: 'b' }, false],
    [{ digest: 'a' }, of('one', 1), false],
    [of('one', 1), { digest: 'a' }, false],
  ]
  test.each(cases)('%o, asked for %o: %s', (held, asked, expected) => {
    expect(isAtLeast(held, asked)).toBe(expected)
  })
})
