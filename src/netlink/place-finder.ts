import { align, NLA_HDRLEN } from './attributes.ts'
import type { Attribute, AttributeSpec, AttributeTable, Nested } from './attributes.ts'
import { lengthAt, numberAt } from './decode.ts'
import { NetlinkDecodeError } from './errors.ts'
import { bigints, numbers } from './integers.ts'

/**
 * Notes in `places` where the payload of each path begins and, behind it, how many bytes it has: two numbers a path,
 * in the order of the paths. The first is `NOWHERE` when the attribute is missing.
 *
 * @throws {NetlinkDecodeError} whenever `decode` would.
 */
export type PlaceFinder = (view: DataView, start: number, places: Int32Array) => void

export const NOWHERE = -1

/** Names of attributes from the outermost nest inwards, joined by dots. */
export type PathsOf<S extends AttributeSpec> = {
  [Name in keyof S & string]: S[Name][1] extends Nested<infer Inner>
    ? Name | `${Name}.${PathsOf<Inner>}`
    : Name
}[keyof S & string]

/**
 * For listings of which a few values a message are wanted: `decode` makes objects of all that it finds, which takes
 * more than ten times as long. Checks what `decode` checks, also where it notes nothing.
 *
 * @throws {Error} for a table with a list in it: one path would have several places.
 */
export function placeFinder<S extends AttributeSpec>(
  table: AttributeTable<S>,
  paths: readonly PathsOf<S>[],
): PlaceFinder {
  const nest = plan('a message', table, '', paths)
  return (view, start, places) => {
    places.fill(NOWHERE)
    search(nest, view, start, view.byteLength, places)
  }
}

/** One level of nesting. */
interface Nest {
  readonly name: string
  readonly byNumber: readonly (Leaf | undefined)[]
}

interface Leaf {
  readonly name: string
  /** What its payload must have; undefined: any number. */
  readonly bytes: number | undefined
  readonly nest: Nest | undefined
  /** Index of its path; `NOWHERE` when it is not wanted. */
  readonly wanted: number
  /** Indices of paths inside it. */
  readonly within: readonly number[]
}

function plan(
  name: string,
  { byNumber }: AttributeTable,
  prefix: string,
  paths: readonly string[],
): Nest {
  // `Array.from` fills the holes between the numbers, which would slow every look-up down.
  return { name, byNumber: Array.from(byNumber, (one) => one && leafOf(one, prefix, paths)) }
}

function leafOf({ name, type }: Attribute, prefix: string, paths: readonly string[]): Leaf {
  const path = `${prefix}${name}`
  const within = paths.flatMap((other, index) => (other.startsWith(`${path}.`) ? [index] : []))
  const leaf = { name, wanted: paths.indexOf(path), within }
  if (typeof type === 'string') return { ...leaf, bytes: BYTES[type], nest: undefined }
  if (type.kind === 'list') throw new Error(`${path} is a list: decode it instead.`)
  return { ...leaf, bytes: undefined, nest: plan(name, type.table, `${path}.`, paths) }
}

/** As `decode` expects them. */
const BYTES: Readonly<Record<string, number>> = {
  flag: 0,
  ...Object.fromEntries(
    Object.entries({ ...numbers, ...bigints }).map(([type, { bytes }]) => [type, bytes]),
  ),
}

function search(
  { name, byNumber }: Nest,
  view: DataView,
  start: number,
  end: number,
  places: Int32Array,
): void {
  for (let at = start, length = 0; at < end; at += align(length)) {
    length = lengthAt(view, at, end, name)
    const leaf = byNumber[numberAt(view, at)]
    if (leaf !== undefined) note(leaf, view, at + NLA_HDRLEN, at + length, places)
  }
}

function note(leaf: Leaf, view: DataView, start: number, end: number, places: Int32Array): void {
  const { name, bytes, nest, wanted, within } = leaf
  if (bytes !== undefined && bytes !== end - start) {
    throw new NetlinkDecodeError(name, `it has ${end - start} bytes instead of ${bytes}.`)
  }
  if (wanted >= 0) {
    places[2 * wanted] = start
    places[2 * wanted + 1] = end - start
  }
  if (nest === undefined) return
  // Of two nests of one number the last counts as a whole.
  for (const index of within) places[2 * index] = NOWHERE
  search(nest, view, start, end, places)
}
