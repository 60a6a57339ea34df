import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CNI_ERRORS, CniError, type CniErrorName, toCniError } from '../../src/cni/errors.ts'
import { PodNetworkError, type PodNetworkFault } from '../../src/pods/errors.ts'

/** Specification 1.1.0: section 5, "Error", and section 2, "STATUS". */
const SPECIFICATION: Readonly<Record<number, CniErrorName>> = {
  1: 'incompatibleVersion',
  2: 'unsupportedField',
  3: 'unknownContainer',
  4: 'invalidEnvironment',
  5: 'io',
  6: 'undecodable',
  7: 'invalidConfiguration',
  11: 'tryAgainLater',
  50: 'notAvailable',
  51: 'limitedConnectivity',
}

test('codes below 100 are those of the specification, all of them', () => {
  const below = Object.entries(CNI_ERRORS).filter(([, code]) => code < 100)
  expect(Object.fromEntries(below.map(([name, code]) => [code, name]))).toEqual(SPECIFICATION)
})

test('no two errors share a code', () => {
  const codes = Object.values(CNI_ERRORS)
  expect(new Set(codes).size).toBe(codes.length)
})

test('docs/cni.md lists every code and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/cni.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (\d+) \| ([^|]+) \| [^|]+ \|$/gmu)]
  expect(rows.map(([, code]) => Number(code))).toEqual(Object.values(CNI_ERRORS))
})

describe('errors of the parts below', () => {
  test.each<[PodNetworkFault, number]>([
    ['namespaceGone', 3],
    ['namespaceOfNode', 4],
    ['recordFailed', 5],
    ['interfaceExists', 100],
    ['addressesExhausted', 101],
    ['addressUnavailable', 102],
    ['wiringFailed', 103],
    ['hostPortTaken', 105],
  ])('%s is code %i, in its own words', (fault, code) => {
    const error = toCniError(
      new PodNetworkError(fault, 'In its own words'),
      'internal',
      'Not these',
    )
    expect(error).toMatchObject({ code, message: 'In its own words' })
  })

  test('one that is a CNI error already stays as it is', () => {
    const error = new CniError('io', 'Disk full')
    expect(toCniError(error, 'internal', 'Not these')).toBe(error)
  })

  test('what nobody foresaw', () => {
    expect(toCniError(new TypeError('x is null'), 'internal', 'Sluice failed')).toMatchObject({
      code: 199,
      message: 'Sluice failed: x is null',
    })
  })
})
