import { describe, expect, test } from 'vitest'
import { attributePath } from '../../src/netlink/attribute-path.ts'
import { attributes, list, nested } from '../../src/netlink/attributes.ts'
import { encode } from '../../src/netlink/encode.ts'
import { bytes } from './bytes.ts'

const DATA = attributes({ VALUE: [1, 'be32'] })
const ELEMENT = attributes({ KEY: [1, nested(DATA)], EXPR: [2, 'nestedBytes'] })
const TABLE = attributes({ NAME: [1, 'string'], ELEMENTS: [3, list(ELEMENT)] })

const encoded = encode(TABLE, {
  NAME: 'abc',
  ELEMENTS: [{ KEY: { VALUE: 1 } }, { EXPR: encode(DATA, { VALUE: 2 }), KEY: { VALUE: 3 } }],
})

describe('the attribute at an offset', () => {
  test.each([
    [0, 'NAME'],
    [4, 'NAME'],
    [8, 'ELEMENTS'],
    [12, 'ELEMENTS[0]'],
    [16, 'ELEMENTS[0]/KEY'],
    [20, 'ELEMENTS[0]/KEY/VALUE'],
    [28, 'ELEMENTS[1]'],
    [32, 'ELEMENTS[1]/EXPR'],
    [36, 'ELEMENTS[1]/EXPR'],
    [44, 'ELEMENTS[1]/KEY'],
    [48, 'ELEMENTS[1]/KEY/VALUE'],
    [56, undefined],
    [-4, undefined],
  ])('%i: %s', (offset, path) => {
    expect(attributePath(TABLE, encoded, offset)?.text).toBe(path)
  })

  test('says what the attribute may contain', () => {
    expect(attributePath(TABLE, encoded, 16)?.content).toBe(DATA)
    expect(attributePath(TABLE, encoded, 12)?.content).toBe(ELEMENT)
    expect(attributePath(TABLE, encoded, 0)?.content).toBeUndefined()
  })

  test.each([
    ['', 0],
    ['00 00 03 00', 0],
    ['ff ff 03 00', 2],
    ['08 00 63 00 00 00 00 00', 4],
  ])('nothing in bytes that it cannot read: %s', (data, offset) => {
    expect(attributePath(TABLE, bytes(data), offset)).toBeUndefined()
  })

  test('a damaged nest ends the path', () => {
    expect(attributePath(TABLE, bytes('0c 00 03 80 ff ff 01 80 00 00 00 00'), 8)?.text).toBe(
      'ELEMENTS',
    )
  })
})
