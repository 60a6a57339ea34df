import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AttributeWriter } from '../../src/netlink/attribute-writer.ts'
import { attributes, list, listOf, nested } from '../../src/netlink/attributes.ts'
import type { Attribute, AttributeTable, ValuesOf } from '../../src/netlink/attributes.ts'
import { decode } from '../../src/netlink/decode.ts'
import { decodeEach } from '../../src/netlink/decode-each.ts'
import { encode } from '../../src/netlink/encode.ts'
import { NetlinkDecodeError, NetlinkEncodeError } from '../../src/netlink/errors.ts'
import { bytes, hex } from './bytes.ts'

const INNER = attributes({ KEY: [1, 'binary'], FLAGS: [3, 'be32'] })
const TABLE = attributes({
  U8: [1, 'u8'],
  U16: [2, 'u16'],
  U32: [3, 'u32'],
  U64: [4, 'u64'],
  S32: [5, 's32'],
  BE16: [6, 'be16'],
  BE32: [7, 'be32'],
  BE64: [8, 'be64'],
  STRING: [9, 'string'],
  BINARY: [10, 'binary'],
  FLAG: [11, 'flag'],
  BYTES: [12, 'nestedBytes'],
  NEST: [13, nested(INNER)],
  LIST: [14, list(INNER)],
  NUMBERS: [300, listOf('be32')],
})
type Values = ValuesOf<typeof TABLE>

/** Hand-written from linux/netlink.h: length with header, number with flags, payload, padding. */
const golden: readonly (readonly [name: string, values: Values, expected: string])[] = [
  ['u8', { U8: 0xab }, '05 00 01 00 ab 00 00 00'],
  ['u16', { U16: 0x0102 }, '06 00 02 00 02 01 00 00'],
  ['u32', { U32: 0xfffe_0102 }, '08 00 03 00 02 01 fe ff'],
  ['u64', { U64: 0x0102_0304_0506_0708n }, '0c 00 04 00 08 07 06 05 04 03 02 01'],
  ['s32', { S32: -2 }, '08 00 05 00 fe ff ff ff'],
  ['be16', { BE16: 0x0102 }, '06 00 06 00 01 02 00 00'],
  ['be32', { BE32: 0xfffe_0102 }, '08 00 07 00 ff fe 01 02'],
  ['be64', { BE64: 0xff02_0304_0506_0708n }, '0c 00 08 00 ff 02 03 04 05 06 07 08'],
  ['string', { STRING: 'abc' }, '08 00 09 00 61 62 63 00'],
  ['empty string', { STRING: '' }, '05 00 09 00 00 00 00 00'],
  ['string in UTF-8', { STRING: 'é' }, '07 00 09 00 c3 a9 00 00'],
  ['binary', { BINARY: bytes('01 02 03') }, '07 00 0a 00 01 02 03 00'],
  ['empty binary', { BINARY: bytes('') }, '04 00 0a 00'],
  ['flag', { FLAG: true }, '04 00 0b 00'],
  ['encoded before', { BYTES: encode(INNER, { FLAGS: 1 }) }, '0c 00 0c 80 08 00 03 00 00 00 00 01'],
  ['nest', { NEST: { FLAGS: 1 } }, '0c 00 0d 80 08 00 03 00 00 00 00 01'],
  ['empty nest', { NEST: {} }, '04 00 0d 80'],
  [
    'list of nests',
    { LIST: [{ KEY: bytes('09') }, {}] },
    '14 00 0e 80 0c 00 01 80 05 00 01 00 09 00 00 00 04 00 01 80',
  ],
  [
    'list of numbers',
    { NUMBERS: [1, 2] },
    '14 00 2c 81 08 00 01 00 00 00 00 01 08 00 01 00 00 00 00 02',
  ],
  ['order of the caller', { BE16: 1, U8: 2 }, '06 00 06 00 00 01 00 00 05 00 01 00 02 00 00 00'],
]

describe('bytes', () => {
  test.each(golden)('%s', (_, values, expected) => {
    expect(hex(encode(TABLE, values))).toBe(expected)
    expect(decode(TABLE, bytes(expected))).toEqual(values)
  })

  test('undefined is left out', () => {
    expect(encode(TABLE, { U8: undefined, NEST: undefined })).toHaveLength(0)
  })

  test('what was encoded before, also what could not be, leaves nothing in it, and stays as it is', () => {
    const first = encode(TABLE, { BINARY: new Uint8Array(100).fill(0xff) })
    expect(() => encode(TABLE, { BINARY: new Uint8Array(50).fill(0xff), U8: 256 })).toThrow(
      NetlinkEncodeError,
    )
    expect(hex(encode(TABLE, { U8: 1 }))).toBe('05 00 01 00 01 00 00 00')
    expect(first.subarray(4)).toEqual(new Uint8Array(100).fill(0xff))
  })

  test('a buffer that grows keeps what is in it', () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({ FLAGS: i }))
    expect(decode(TABLE, encode(TABLE, { STRING: 'head', LIST: items, U8: 9 }))).toEqual({
      STRING: 'head',
      LIST: items,
      U8: 9,
    })
  })
})

describe('values that do not fit', () => {
  test.each([
    ['U8', { U8: 256 }],
    ['U8', { U8: -1 }],
    ['U16', { U16: 1.5 }],
    ['U32', { U32: 2 ** 32 }],
    ['S32', { S32: 2 ** 31 }],
    ['BE32', { BE32: Number.NaN }],
    ['U64', { U64: -1n }],
    ['BE64', { BE64: 1n << 64n }],
    ['STRING', { STRING: 'a\0b' }],
    ['BINARY', { BINARY: new Uint8Array(0xffff) }],
    ['BYTES', { BYTES: new Uint8Array(0xfffc) }],
    ['NEST', { NEST: { KEY: new Uint8Array(0xfff8) } }],
    ['LIST', { LIST: Array.from({ length: 5462 }, () => ({ FLAGS: 1 })) }],
  ] satisfies [string, Values][])('%s', (name, values) => {
    expect(() => encode(TABLE, values)).toThrow(NetlinkEncodeError)
    expect(() => encode(TABLE, values)).toThrow(expect.objectContaining({ attribute: name }))
  })

  test('the largest that fits', () => {
    const largest = { BINARY: new Uint8Array(0xffff - 4) }
    expect(decode(TABLE, encode(TABLE, largest))).toEqual(largest)
  })

  /** What a caller without types could pass. */
  const untyped: AttributeTable<{ readonly [name: string]: readonly [number, 'u8'] }> = {
    ...TABLE,
    spec: {},
  }
  test.each(['STRING', 'BINARY', 'FLAG', 'NEST', 'LIST', 'U64', 'BYTES', 'NONE'])(
    'a number for %s',
    (name) => {
      expect(() => encode(untyped, { [name]: 1 })).toThrow(
        expect.objectContaining({ attribute: name }),
      )
    },
  )
})

test('two attributes of one number are refused', () => {
  expect(() => attributes({ A: [1, 'u8'], B: [1, 'u8'] })).toThrow('B has the number of A')
})

describe('damaged bytes', () => {
  test.each([
    ['half a header', '05 00', 'a message'],
    ['a length below the header', '03 00 01 00', 'a message'],
    ['a length of 0', '00 00 01 00', 'a message'],
    ['a length past the end', '09 00 01 00 00 00 00 00', 'a message'],
    ['a short u32', '06 00 03 00 00 00 00 00', 'U32'],
    ['a long u8', '06 00 01 00 00 00 00 00', 'U8'],
    ['a short be64', '08 00 08 00 00 00 00 00', 'BE64'],
    ['a flag with content', '08 00 0b 00 00 00 00 00', 'FLAG'],
    ['an attribute that leaves its nest', '0c 00 0d 80 0c 00 03 00 00 00 00 01', 'NEST'],
    ['a short number in a nest', '0a 00 0d 80 06 00 03 00 00 00 00 00', 'FLAGS'],
    ['a damaged list', '08 00 0e 80 ff 00 01 80', 'LIST'],
    ['a damaged list item', '0c 00 0e 80 08 00 01 80 ff 00 01 00', 'NFTA_LIST_ELEM'],
  ])('%s', (_, data, name) => {
    expect(() => decode(TABLE, bytes(data))).toThrow(NetlinkDecodeError)
    expect(() => decode(TABLE, bytes(data))).toThrow(expect.objectContaining({ attribute: name }))
  })

  test('unknown numbers and the flags of known ones do not matter', () => {
    expect(decode(TABLE, bytes('05 00 ff 00 07 00 00 00', '05 00 01 c0 02 00 00 00'))).toEqual({
      U8: 2,
    })
  })

  test('the padding of the last attribute may be missing', () => {
    expect(decode(TABLE, bytes('05 00 01 00 02'))).toEqual({ U8: 2 })
  })

  test('a string may lack its NUL', () => {
    expect(decode(TABLE, bytes('06 00 09 00 61 62'))).toEqual({ STRING: 'ab' })
  })

  test('nothing but NetlinkDecodeError, whatever the bytes', () => {
    const anything = fc.uint8Array({ maxLength: 200 })
    const attributeLike = fc
      .array(fc.tuple(fc.nat(24), fc.constantFrom(...TABLE.byNumber.keys()), anything), {
        maxLength: 5,
      })
      .map((slots) =>
        Buffer.concat(
          slots.map(([length, number, content]) =>
            Buffer.concat([Uint8Array.of(length, 0, number & 0xff, number >> 8), content]),
          ),
        ),
      )
    fc.assert(
      fc.property(fc.oneof(anything, attributeLike), (data) => {
        try {
          decode(TABLE, data)
        } catch (error) {
          if (!(error instanceof NetlinkDecodeError)) throw error
        }
      }),
      { numRuns: 5000 },
    )
  })
})

test('what was encoded is decoded again', () => {
  const integer = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
  const string = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))
  const inner = fc.record({ KEY: fc.uint8Array(), FLAGS: integer(32) }, { requiredKeys: [] })
  const values: fc.Arbitrary<Values> = fc.record(
    {
      U8: integer(8),
      U16: integer(16),
      U32: integer(32),
      U64: fc.bigInt(0n, 2n ** 64n - 1n),
      S32: fc.integer(),
      BE16: integer(16),
      BE32: integer(32),
      BE64: fc.bigInt(0n, 2n ** 64n - 1n),
      STRING: string,
      BINARY: fc.uint8Array(),
      FLAG: fc.constant(true as const),
      BYTES: fc.uint8Array(),
      NEST: inner,
      LIST: fc.array(inner),
      NUMBERS: fc.array(integer(32)),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  fc.assert(
    fc.property(values, (value) => {
      expect(decode(TABLE, encode(TABLE, value))).toEqual(value)
    }),
  )
})

test('a writer makes what encode makes', () => {
  const key = attributeOf('KEY')
  const flags = attributeOf('FLAGS')
  const nest: Attribute = { name: 'NEST', number: 13, type: 'nestedBytes' }
  const writer = new AttributeWriter()
  const start = writer.open(nest)
  writer.binary(key, bytes('01 02'))
  writer.number(flags, 'be32', 7)
  writer.close(nest, start)
  const values = { NEST: { KEY: bytes('01 02'), FLAGS: 7 } }
  expect(writer.bytes()).toEqual(encode(TABLE, values))
  expect(writer.length).toBe(encode(TABLE, values).length)
})

function attributeOf(name: string): Attribute {
  const attribute = INNER.byName.get(name)
  if (!attribute) throw new Error(name)
  return attribute
}

test('the items of a list are decoded one by one, up to a damaged one', () => {
  const items = [{ KEY: bytes('09') }, {}, { FLAGS: 7 }]
  const encoded = encode(TABLE, { LIST: items }).subarray(4)
  expect([...decodeEach(INNER, encoded)]).toEqual(items)
  const first = decodeEach(INNER, encoded.subarray(0, -4))
  expect([first.next().value, first.next().value]).toEqual(items.slice(0, 2))
  expect(() => first.next()).toThrow(NetlinkDecodeError)
})
