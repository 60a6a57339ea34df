import {
  align,
  type AttributeSpec,
  type AttributeTable,
  type AttributeValues,
  list,
  NLA_HDRLEN,
} from './attributes.ts'
import { decode, lengthAt, numberAt } from './decode.ts'

/**
 * The items of a list of nests (`list`), of which each is decoded when it is asked for: a list may be a whole datagram,
 * and take milliseconds.
 *
 * @param bytes a value of type `nestedBytes`
 * @throws {NetlinkDecodeError} when a length does not fit its type or runs past the end.
 */
export function* decodeEach<S extends AttributeSpec>(
  table: AttributeTable<S>,
  bytes: Uint8Array,
): Generator<AttributeValues<S>, void, undefined> {
  const { item } = list(table)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0, length = 0; at < bytes.length; at += align(length)) {
    length = lengthAt(view, at, bytes.length, item.name)
    if (numberAt(view, at) !== item.number) continue
    yield decode(table, bytes.subarray(at + NLA_HDRLEN, at + length))
  }
}
