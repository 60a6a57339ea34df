import { expect, test } from 'vitest'
import { attributes, list, nested } from '../../src/netlink/attributes.ts'
import { encode } from '../../src/netlink/encode.ts'
import { NetlinkDecodeError } from '../../src/netlink/errors.ts'
import { NOWHERE, placeFinder } from '../../src/netlink/place-finder.ts'
import { bytes } from './bytes.ts'

const INNER = attributes({ KEY: [1, 'binary'], PORT: [2, 'be16'] })
const TABLE = attributes({ MARK: [1, 'be32'], NEST: [2, nested(INNER)], UP: [5, 'flag'] })
const HEADER = 'ff ff ff ff'

test('says where values begin and how long they are', () => {
  const content = encode(TABLE, { MARK: 7, NEST: { KEY: bytes('0a 00 00') } })
  const places = new Int32Array(8)
  placeFinder(TABLE, ['NEST.KEY', 'MARK', 'NEST.PORT', 'NEST'])(view(content), 4, places)
  // Behind the header 8 bytes of MARK, 4 of the header of NEST, 4 of that of KEY.
  expect([...places]).toEqual([20, 3, 8, 4, NOWHERE, expect.any(Number), 16, 8])
})

test('forgets what an earlier message had', () => {
  const places = new Int32Array(2)
  const find = placeFinder(TABLE, ['MARK'])
  find(view(encode(TABLE, { MARK: 7 })), 4, places)
  find(view(encode(TABLE, { UP: true })), 4, places)
  expect(places[0]).toBe(NOWHERE)
})

test('of two nests of one number, only the last counts', () => {
  const places = new Int32Array(4)
  const twice = [{ KEY: bytes('01') }, { PORT: 80 }].map((NEST) => encode(TABLE, { NEST }))
  placeFinder(TABLE, ['NEST.KEY', 'NEST.PORT'])(view(...twice), 4, places)
  expect([places[0], places[2]]).toEqual([NOWHERE, 24])
})

test.each([
  ['a number of the wrong length', '06 00 01 00 00 00 00 00', 'MARK'],
  ['one inside a nest that is not wanted', '0c 00 02 00 05 00 02 00 00 00 00 00', 'PORT'],
  ['a flag with a value', '05 00 05 00 01 00 00 00', 'UP'],
  ['a length beyond the end', '09 00 09 00 00 00 00 00', 'a message'],
  ['a length below that of a header', '03 00 09 00', 'a message'],
  ['less than a header', '04 00', 'a message'],
])('refuses %s', (_, content, attribute) => {
  const find = placeFinder(TABLE, ['NEST.KEY'])
  const refused = caught(() => find(view(bytes(content)), 4, new Int32Array(2)))
  expect(refused).toBeInstanceOf(NetlinkDecodeError)
  expect(refused).toMatchObject({ attribute })
})

test('has no place for what is in a list', () => {
  const table = attributes({ LIST: [1, list(INNER)] })
  expect(() => placeFinder(table, ['LIST'])).toThrow('LIST is a list: decode it instead.')
})

function view(...contents: readonly Uint8Array[]): DataView {
  return new DataView(new Uint8Array(Buffer.concat([bytes(HEADER), ...contents])).buffer)
}

function caught(run: () => void): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
