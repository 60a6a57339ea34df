import { AttributeWriter } from '../netlink/attribute-writer.ts'
import type { Attribute } from '../netlink/attributes.ts'
import {
  NFT_SET_ELEM_CATCHALL,
  NFT_SET_ELEM_INTERVAL_END,
  NFTA_DATA,
  NFTA_SET_ELEM,
  attributeOf,
} from './attributes.ts'
import { NftablesError } from './errors.ts'
import { hasBounds } from './set.ts'
import type { AnyElement, AnyValue, SetNode } from './set.ts'
import { dataLayout, keyLayout, writeFields } from './set-layout.ts'
import type { Layout } from './set-layout.ts'
import { hint, writeUserdata } from './userdata.ts'

/**
 * The elements as contents of `NFTA_SET_ELEM_LIST_ELEMENTS`, as many as it takes: an attribute holds 64 KiB.
 * `keysOnly` to delete: data and timeouts are left out.
 *
 * @throws {NftablesError} when a value is not of the set's types, or an interval ends before it begins.
 */
export function writeElements(
  set: SetNode,
  elements: Iterable<AnyElement>,
  keysOnly = false,
): Uint8Array[] {
  const chunks: Uint8Array[] = []
  const write = elementWriter(set, keysOnly)
  scratch.clear()
  for (const element of elements) {
    if (scratch.length > CHUNK_BYTES) {
      chunks.push(scratch.bytes().slice())
      scratch.clear()
    }
    write(scratch, element)
  }
  if (scratch.length > 0) chunks.push(scratch.bytes().slice())
  return chunks
}

/** Of each call in turn: it need not grow anew each time. */
const scratch = new AttributeWriter()

/** Below 65,535 by more than any one element takes. */
const CHUNK_BYTES = 64_000

const LIST_ELEM: Attribute = { name: 'NFTA_LIST_ELEM', number: 1, type: 'nestedBytes' }
const KEY = attributeOf(NFTA_SET_ELEM, 'NFTA_SET_ELEM_KEY')
const KEY_END = attributeOf(NFTA_SET_ELEM, 'NFTA_SET_ELEM_KEY_END')
const DATA = attributeOf(NFTA_SET_ELEM, 'NFTA_SET_ELEM_DATA')
const FLAGS = attributeOf(NFTA_SET_ELEM, 'NFTA_SET_ELEM_FLAGS')
const TIMEOUT = attributeOf(NFTA_SET_ELEM, 'NFTA_SET_ELEM_TIMEOUT')
const USERDATA = attributeOf(NFTA_SET_ELEM, 'NFTA_SET_ELEM_USERDATA')
const VALUE = attributeOf(NFTA_DATA, 'NFTA_DATA_VALUE')

/** Tells nft that the interval has no end of its own (NFTNL_UDATA_SET_ELEM_FLAGS, …_F_INTERVAL_OPEN). */
const OPEN_INTERVAL = writeUserdata([hint(1, 1)])

type WriteElement = (writer: AttributeWriter, element: AnyElement) => void

/** The scratch buffers are reused: a change of many elements allocates nothing for each. */
function elementWriter(set: SetNode, keysOnly: boolean): WriteElement {
  const keys = keyLayout(set)
  const values = dataLayout(set)
  const key = new Uint8Array(keys.bytes)
  const last = new Uint8Array(keys.bytes)
  const data = new Uint8Array(values.bytes)

  function writeRest(writer: AttributeWriter, element: AnyElement): void {
    if (keysOnly) return
    if (values.bytes > 0) {
      writeFields(values, element.data ?? [], data)
      writeValue(writer, DATA, data)
    }
    if (element.timeoutMs !== undefined) writer.bigint(TIMEOUT, 'be64', BigInt(element.timeoutMs))
  }

  /** A tree of interval bounds: the end is an element too, one above the last key; none at the top. */
  function writeBounds(writer: AttributeWriter, element: AnyElement): void {
    writeInterval(keys, element, key, last)
    const open = !increment(last)
    const start = writer.open(LIST_ELEM)
    writeValue(writer, KEY, key)
    writeRest(writer, element)
    if (open && !keysOnly) writer.binary(USERDATA, OPEN_INTERVAL)
    writer.close(LIST_ELEM, start)
    if (open) return
    const end = writer.open(LIST_ELEM)
    writer.number(FLAGS, 'be32', NFT_SET_ELEM_INTERVAL_END)
    writeValue(writer, KEY, last)
    writer.close(LIST_ELEM, end)
  }

  function writeKeys(writer: AttributeWriter, element: AnyElement): void {
    if (element.key === '*') writer.number(FLAGS, 'be32', NFT_SET_ELEM_CATCHALL)
    else if (element.last === undefined) {
      writeFields(keys, element.key, key)
      writeValue(writer, KEY, key)
    } else {
      writeInterval(keys, element, key, last)
      writeValue(writer, KEY, key)
      writeValue(writer, KEY_END, last)
    }
  }

  return (writer, element) => {
    if (hasBounds(set) && element.key !== '*') return writeBounds(writer, element)
    const start = writer.open(LIST_ELEM)
    writeKeys(writer, element)
    writeRest(writer, element)
    writer.close(LIST_ELEM, start)
  }
}

function writeValue(writer: AttributeWriter, attribute: Attribute, bytes: Uint8Array): void {
  const start = writer.open(attribute)
  writer.binary(VALUE, bytes)
  writer.close(attribute, start)
}

function writeInterval(
  keys: Layout,
  element: AnyElement,
  first: Uint8Array,
  last: Uint8Array,
): void {
  writeFields(keys, element.key, first)
  writeFields(keys, element.last ?? element.key, last)
  for (const { at, bytes } of keys.fields) {
    if (Buffer.compare(first.subarray(at, at + bytes), last.subarray(at, at + bytes)) > 0) {
      throw new NftablesError('NFT_VALUE', `${interval(element)} ends before it begins.`)
    }
  }
}

function interval({ key, last }: AnyElement): string {
  return `The interval ${text(key)}-${text(last ?? key)}`
}

function text(value: AnyValue): string {
  return typeof value === 'object' ? value.join(' . ') : String(value)
}

/** Adds one to a number of which the first byte is the highest; false when that overflows. */
function increment(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 1; at >= 0; at--) {
    const byte = bytes[at] ?? 0
    bytes[at] = byte + 1
    if (byte < 0xff) return true
  }
  return false
}
