import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode } from '../../src/netlink/decode.ts'
import { encode } from '../../src/netlink/encode.ts'
import { NFTA_SET_ELEM_DUMP, NFTA_SET_ELEM_LIST } from '../../src/nftables/attributes.ts'
import { readElements } from '../../src/nftables/read-elements.ts'
import type { AnyElement, SetNode } from '../../src/nftables/set.ts'
import { map, set } from '../../src/nftables/set.ts'
import { writeElements } from '../../src/nftables/write-elements.ts'
import { elementsOf, setsOfEveryKind } from './arbitraries.ts'

const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex')
const classes = map('classes', ['ipv4_addr'], ['classid'])
const blocks = map('blocks', ['ipv4_addr'], ['classid'], { flags: ['interval'] })

describe('bytes, as nft 1.0.6 sends them for the same elements', () => {
  const cases: readonly [title: string, set: SetNode, element: AnyElement, bytes: string][] = [
    [
      'a map element: key in network order, class in host order',
      classes,
      { key: 0x0102_0304, data: 0x8000_0010 },
      '1c0001800c0001800800010001020304' + '0c0002800800010010000080',
    ],
    [
      'an interval: start with data, and one above its last key',
      blocks,
      { key: 0x0a00_0000, last: 0x0aff_ffff, data: 0x11 },
      '1c0001800c000180080001000a000000' +
        '0c0002800800010011000000' +
        '180001800800030000000001' +
        '0c000180080001000b000000',
    ],
    [
      'an interval to the end of the space: no end, and a note for nft',
      blocks,
      { key: 0xc0a8_0000, last: 0xffff_ffff, data: 0x12 },
      '280001800c00018008000100c0a80000' + '0c00028008000100120000000a0006000104010000000000',
    ],
    [
      'the catch-all',
      blocks,
      { key: '*', data: 0x10 },
      '180001800800030000000002' + '0c0002800800010010000000',
    ],
    [
      'a concatenation: every field on 4 bytes',
      set('ports', ['classid', 'inet_proto', 'inet_service']),
      { key: [0x20, 6, 80] },
      '180001801400018010000100200000000600000000500000',
    ],
    [
      'ranges of a concatenation: two keys, numbers in network order',
      set('ranges', ['classid', 'inet_proto', 'inet_service'], { flags: ['interval'] }),
      { key: [0x20, 6, 80], last: [0x20, 6, 90] },
      '2c0001801400018010000100000000200600000000500000' +
        '14000a801000010000000020060000000' +
        '05a0000',
    ],
    [
      'an interface name fills 16 bytes',
      set('interfaces', ['ifname', 'ipv4_addr']),
      { key: ['slc1', 0x0102_0304] },
      '200001801c00018018000100736c633100000000000000000000000001020304',
    ],
    [
      'a timeout in milliseconds',
      set('cut', ['inet_service'], { flags: ['timeout'] }),
      { key: 80, timeoutMs: 5000 },
      '1c0001800c0001800600010000500000' + '0c0004000000000000001388',
    ],
    [
      'a hardware address',
      set('cards', ['ether_addr']),
      { key: '02:00:00:00:00:01' },
      '14000180100001800a00010002000000000100' + '00',
    ],
  ]
  test.each(cases)('%s', (_, node, element, bytes) => {
    expect(writeElements(node, [element]).map(hex)).toEqual([bytes])
  })

  test('to delete, only keys are named', () => {
    expect(writeElements(classes, [{ key: 0x0102_0304, data: 16 }], true).map(hex)).toEqual([
      '100001800c0001800800010001020304',
    ])
  })
})

test('long lists are cut into attributes of less than 64 KiB, without losing an element', () => {
  const elements = Array.from({ length: 10_000 }, (_, index) => ({ key: index, data: 16 + index }))
  const chunks = writeElements(classes, elements)
  expect(chunks.length).toBeGreaterThan(1)
  for (const chunk of chunks) expect(chunk.length).toBeLessThan(65_532)
  expect(readBack(classes, chunks)).toEqual(elements)
})

describe('what is not of the types is refused by a sentence', () => {
  const cases: readonly [node: SetNode, element: AnyElement, sentence: string][] = [
    [classes, { key: -1, data: 16 }, '-1 is not a value of type ipv4_addr.'],
    [classes, { key: 2 ** 32, data: 16 }, '4294967296 is not a value of type ipv4_addr.'],
    [classes, { key: 1n, data: 16 }, '1 is not a value of type ipv4_addr.'],
    [classes, { key: 1 }, ' is not a value of type classid.'],
    [classes, { key: [1, 2], data: 16 }, '1,2 is not a value of type ipv4_addr.'],
    [
      set('a', ['ipv6_addr']),
      { key: 1n << 128n },
      `${1n << 128n} is not a value of type ipv6_addr.`,
    ],
    [set('a', ['inet_service']), { key: 65_536 }, '65536 is not a value of type inet_service.'],
    [set('a', ['inet_proto']), { key: 6.5 }, '6.5 is not a value of type inet_proto.'],
    [
      set('a', ['ifname']),
      { key: 'sixteen-letters.' },
      'sixteen-letters. is not a value of type ifname.',
    ],
    [
      set('a', ['ether_addr']),
      { key: '2:0:0:0:0:1' },
      '2:0:0:0:0:1 is not a value of type ether_addr.',
    ],
    [set('a', ['mark', 'mark']), { key: 5 }, '5 is not a value of type mark . mark.'],
    [set('a', ['mark', 'mark']), { key: [5] }, '5 is not a value of type mark . mark.'],
    [blocks, { key: 5, last: 4, data: 16 }, 'The interval 5-4 ends before it begins.'],
  ]
  test.each(cases)('%#: %o', (node, element, sentence) => {
    expect(() => writeElements(node, [element])).toThrow(
      expect.objectContaining({ name: 'NftablesError', code: 'NFT_VALUE', message: sentence }),
    )
  })
})

test.each(setsOfEveryKind)('what is written to $name is what is read', (node) => {
  fc.assert(
    fc.property(elementsOf(node), (elements) => {
      expect(readBack(node, writeElements(node, elements))).toEqual(elements)
    }),
    { numRuns: 50 },
  )
})

function readBack(node: SetNode, chunks: readonly Uint8Array[]): AnyElement[] {
  const raw = chunks.flatMap((chunk) => {
    const message = encode(NFTA_SET_ELEM_LIST, { NFTA_SET_ELEM_LIST_ELEMENTS: chunk })
    return decode(NFTA_SET_ELEM_DUMP, message).NFTA_SET_ELEM_LIST_ELEMENTS ?? []
  })
  return readElements(node, raw)
}
