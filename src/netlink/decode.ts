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

/**
 * How many bytes the attribute at a place has, its header included.
 *
 * @throws {NetlinkDecodeError} naming `inside` when it is shorter than its header or runs past the end.
 */
export function lengthAt(view: DataView, at: number, end: number, inside: string): number {
  const length = end - at < NLA_HDRLEN ? 0 : view.getUint16(at, true)
  if (length >= NLA_HDRLEN && length <= end - at) return length
  throw new NetlinkDecodeError(inside, `the attribute at byte ${at} does not fit into it.`)
}

/** The number of the attribute at a place, without its flags. */
export function numberAt(view: DataView, at: number): number {
  return view.getUint16(at + 2, true) & NLA_TYPE_MASK
}

function readTable(
  table: AttributeTable,
  source: Source,
  start: number,
  end: number,
  inside: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (let at = start, length = 0; at < end; at += align(length)) {
    length = lengthAt(source.view, at, end, inside)
    const attribute = table.byNumber[numberAt(source.view, at)]
    if (attribute === undefined) continue
    values[attribute.name] = readValue(attribute, source, at + NLA_HDRLEN, at + length)
  }
  return values
}

function readValue(attribute: Attribute, source: Source, start: number, end: number): unknown {
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
  for (let at = start, length = 0; at < end; at += align(length)) {
    length = lengthAt(source.view, at, end, inside)
    if (numberAt(source.view, at) !== item.number) continue
    items.push(readValue(item, source, at + NLA_HDRLEN, at + length))
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
