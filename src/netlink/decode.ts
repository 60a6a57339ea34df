import { align, NLA_HDRLEN, NLA_TYPE_MASK } from './attributes.ts'
import type {
  Attribute,
  AttributeSpec,
  AttributeTable,
  AttributeValues,
  List,
} from './attributes.ts'
import { NetlinkDecodeError } from './errors.ts'
import { bigints, numbers } from './integers.ts'

/**
 * The values of the attributes in `bytes`; numbers that the table does not name are passed over. Binary
 * values are views into `bytes`, not copies.
 *
 * @throws {NetlinkDecodeError} when a length does not fit its type or runs past the end.
 */
export function decode<S extends AttributeSpec>(
  table: AttributeTable<S>,
  bytes: Uint8Array,
): AttributeValues<S>
export function decode(table: AttributeTable, bytes: Uint8Array): Record<string, unknown> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return readTable(table, { bytes, view }, 0, bytes.length, 'a message')
}

interface Source {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** One attribute as it lies in the bytes: its number without flags, where its payload begins and ends. */
export interface Slot {
  readonly number: number
  readonly start: number
  readonly end: number
}

/**
 * The attributes that lie between two places, in order.
 *
 * @throws {NetlinkDecodeError} naming `inside` when one is shorter than its header or runs past the end.
 */
export function* slots(
  view: DataView,
  start: number,
  end: number,
  inside: string,
): Generator<Slot, void, undefined> {
  let at = start
  while (at < end) {
    const length = end - at < NLA_HDRLEN ? 0 : view.getUint16(at, true)
    if (length < NLA_HDRLEN || length > end - at) {
      throw new NetlinkDecodeError(inside, `the attribute at byte ${at} does not fit into it.`)
    }
    const number = view.getUint16(at + 2, true) & NLA_TYPE_MASK
    yield { number, start: at + NLA_HDRLEN, end: at + length }
    at += align(length)
  }
}

function readTable(
  table: AttributeTable,
  source: Source,
  start: number,
  end: number,
  inside: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const slot of slots(source.view, start, end, inside)) {
    const attribute = table.byNumber[slot.number]
    if (attribute) values[attribute.name] = readValue(attribute, source, slot)
  }
  return values
}

function readValue(attribute: Attribute, source: Source, { start, end }: Slot): unknown {
  const { name, type } = attribute
  if (typeof type !== 'string') {
    if (type.kind === 'nested') return readTable(type.table, source, start, end, name)
    return readList(type, source, start, end, name)
  }
  switch (type) {
    case 'string':
      return text(source.bytes.subarray(start, end))
    case 'binary':
    case 'nestedBytes':
      return source.bytes.subarray(start, end)
    case 'flag':
      expectBytes(name, end - start, 0)
      return true
    case 'u64':
    case 'be64':
      expectBytes(name, end - start, bigints[type].bytes)
      return bigints[type].read(source.view, start)
    default:
      expectBytes(name, end - start, numbers[type].bytes)
      return numbers[type].read(source.view, start)
  }
}

function readList(
  { item }: List,
  source: Source,
  start: number,
  end: number,
  inside: string,
): readonly unknown[] {
  const items: unknown[] = []
  for (const slot of slots(source.view, start, end, inside)) {
    if (slot.number === item.number) items.push(readValue(item, source, slot))
  }
  return items
}

/** Up to the first NUL; the kernel leaves it out of some strings. */
function text(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0)
  return utf8.decode(nul < 0 ? bytes : bytes.subarray(0, nul))
}

/** `ignoreBOM`: a leading byte order mark is text like any other. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function expectBytes(name: string, actual: number, expected: number): void {
  if (actual !== expected) {
    throw new NetlinkDecodeError(name, `it has ${actual} bytes instead of ${expected}.`)
  }
}
