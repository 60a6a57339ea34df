import { describe, expect, test } from 'vitest'
import { readElements } from '../../src/nftables/read-elements.ts'
import type { RawElement } from '../../src/nftables/read-elements.ts'
import { map, set } from '../../src/nftables/set.ts'

const ports = set('ports', ['inet_service'], { flags: ['interval'] })

describe('bounds of intervals', () => {
  const start = (port: number): RawElement => bound(port, 0)
  const end = (port: number): RawElement => bound(port, 1)

  test('come in any order', () => {
    expect(readElements(ports, [end(101), start(100), end(91), start(80)])).toEqual([
      { key: 80, last: 90 },
      { key: 100 },
    ])
  })

  test('an end and a start of one key: intervals that touch', () => {
    expect(readElements(ports, [start(90), end(90), start(80), end(100)])).toEqual([
      { key: 80, last: 89 },
      { key: 90, last: 99 },
    ])
  })

  test('nft leaves the end out where the next interval begins, and puts one at 0', () => {
    expect(readElements(ports, [end(0), start(80), start(90), end(100)])).toEqual([
      { key: 80, last: 89 },
      { key: 90, last: 99 },
    ])
  })

  test('without an end, an interval goes on to the end of the space', () => {
    expect(readElements(ports, [start(0xff00)])).toEqual([{ key: 0xff00, last: 0xffff }])
    expect(readElements(ports, [start(0xffff)])).toEqual([{ key: 0xffff }])
    expect(readElements(ports, [start(0)])).toEqual([{ key: 0, last: 0xffff }])
  })
})

test("a timeout is named where it is not the set's own, the rest of its life always", () => {
  const cut = set('cut', ['inet_service'], { flags: ['timeout'], timeoutMs: 1000 })
  const element = (timeout: bigint): RawElement => ({
    ...bound(80, 0),
    NFTA_SET_ELEM_TIMEOUT: timeout,
    NFTA_SET_ELEM_EXPIRATION: 7n,
  })
  expect(readElements(cut, [element(1000n), element(2000n)])).toEqual([
    { key: 80, expiresMs: 7 },
    { key: 80, timeoutMs: 2000, expiresMs: 7 },
  ])
})

describe('what is not of the types is refused by a sentence', () => {
  test('a key of another length', () => {
    expect(() => readElements(set('pods', ['ipv4_addr']), [bound(80, 0)])).toThrow(
      'A value of the kernel has 2 bytes instead of 4: the set there has other types.',
    )
  })

  test('no key', () => {
    expect(() => readElements(map('classes', ['ipv4_addr'], ['classid']), [{}])).toThrow(
      'An element of map classes has no key.',
    )
  })
})

function bound(port: number, flags: number): RawElement {
  const key = Uint8Array.of(port >> 8, port)
  return { NFTA_SET_ELEM_KEY: { NFTA_DATA_VALUE: key }, NFTA_SET_ELEM_FLAGS: flags }
}
