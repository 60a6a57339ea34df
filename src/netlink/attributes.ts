import type { BigintType, NumberType } from './integers.ts'

/**
 * The attributes of one kernel enum: names, numbers and types. `encode`, `decode` and the types of the
 * values all derive from this one table:
 *
 *     const NFTA_TABLE = attributes({ NFTA_TABLE_NAME: [1, 'string'], NFTA_TABLE_FLAGS: [2, 'be32'] })
 *
 * @throws {Error} when two attributes have one number.
 */
export function attributes<const S extends AttributeSpec>(spec: S): AttributeTable<S> {
  const byName = new Map<string, Attribute>()
  const byNumber: (Attribute | undefined)[] = []
  for (const [name, [number, type]] of Object.entries(spec)) {
    const other = byNumber[number]
    if (other) throw new Error(`${name} has the number of ${other.name}: give each its own.`)
    const attribute = { name, number, type }
    byName.set(name, attribute)
    byNumber[number] = attribute
  }
  return { spec, byName, byNumber }
}

/** A nest with the attributes of another table. */
export function nested<S extends AttributeSpec>(table: AttributeTable<S>): Nested<S> {
  return { kind: 'nested', table }
}

/** A nest of nests: each item is a nest in attribute 1 (`NFTA_LIST_ELEM`). */
export function list<S extends AttributeSpec>(table: AttributeTable<S>): List<Nested<S>> {
  return { kind: 'list', item: { name: 'NFTA_LIST_ELEM', number: 1, type: nested(table) } }
}

/** A nest of plain values, each in the attribute of this name and number. */
export function listOf<T extends PlainType>(type: T, name = 'NFTA_LIST_ELEM', number = 1): List<T> {
  return { kind: 'list', item: { name, number, type } }
}

/**
 * Types without parts. `string` ends in NUL; `nestedBytes` are attributes encoded before, put inside a nest
 * as they are, for places whose table depends on another attribute (`NFTA_EXPR_DATA`).
 */
export type PlainType = NumberType | BigintType | 'string' | 'binary' | 'flag' | 'nestedBytes'
export type AttributeType = PlainType | Nested | List

/** Kernel name to number and type. */
export interface AttributeSpec {
  readonly [name: string]: readonly [number, AttributeType]
}

export interface AttributeTable<S extends AttributeSpec = AttributeSpec> {
  readonly spec: S
  readonly byName: ReadonlyMap<string, Attribute>
  readonly byNumber: readonly (Attribute | undefined)[]
}

export interface Attribute<T extends AttributeType = AttributeType> {
  readonly name: string
  readonly number: number
  readonly type: T
}

export interface Nested<S extends AttributeSpec = AttributeSpec> {
  readonly kind: 'nested'
  readonly table: AttributeTable<S>
}

export interface List<T extends AttributeType = AttributeType> {
  readonly kind: 'list'
  readonly item: Attribute<T>
}

/** Everything may be missing: the kernel leaves attributes out, and so do requests. 64-bit values are bigint. */
export type AttributeValues<S extends AttributeSpec> = {
  readonly [Name in keyof S]?: ValueOf<S[Name][1]> | undefined
}

export type ValueOf<T extends AttributeType> = T extends NumberType
  ? number
  : T extends BigintType
    ? bigint
    : T extends 'string'
      ? string
      : T extends 'flag'
        ? true
        : T extends 'binary' | 'nestedBytes'
          ? Uint8Array
          : T extends Nested<infer S>
            ? AttributeValues<S>
            : T extends List<infer Item>
              ? readonly ValueOf<Item>[]
              : never

/** The values that a table's attributes hold: `ValuesOf<typeof NFTA_TABLE>`. */
export type ValuesOf<T extends AttributeTable> = AttributeValues<T['spec']>

/** struct nlattr (linux/netlink.h): u16 length with this header, u16 type with two flag bits. */
export const NLA_HDRLEN = 4
export const NLA_F_NESTED = 0x8000
export const NLA_TYPE_MASK = 0x3fff

/** Attributes and messages begin on multiples of 4 bytes (NLA_ALIGNTO, NLMSG_ALIGNTO). */
export function align(length: number): number {
  return (length + 3) & ~3
}
