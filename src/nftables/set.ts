import type { TypeName, Value, ValueOf } from './datatypes.ts'

/** The types of a key or of a map's data, concatenated. */
export type Fields = readonly TypeName[]

/** A single field's value as it is; a concatenation as a tuple. */
export type FieldsValue<F extends Fields> = Fields extends F
  ? AnyValue
  : F extends readonly [infer T extends TypeName]
    ? ValueOf<T>
    : { readonly [I in keyof F]: ValueOf<F[I]> }

/** A value whose types are known only at run time. */
export type AnyValue = Value | readonly Value[]

export type SetFlag = 'constant' | 'interval' | 'timeout' | 'dynamic'

export interface SetOptions {
  readonly flags?: readonly SetFlag[]
  /** The most elements that it may hold; the kernel wants it where packets add elements. */
  readonly size?: number
  /** How long an element lives that names no timeout of its own. Needs the flag `timeout`. */
  readonly timeoutMs?: number
}

/** `set pod_if4 { type ifname . ipv4_addr; }`; a map where it has data. */
export interface SetNode<K extends Fields = Fields, D extends Fields = Fields> extends SetOptions {
  readonly kind: 'set'
  readonly name: string
  readonly key: K
  /** Empty in a set. */
  readonly data: D
  readonly flags: readonly SetFlag[]
}

/** What identifies an element. */
export interface ElementKey<K extends Fields> {
  /** `'*'` is the catch-all: whatever no other element matches. */
  readonly key: FieldsValue<K> | '*'
  /** The last key of an interval, included, each field on its own; absent: `key` alone. */
  readonly last?: FieldsValue<K>
}

/** An element of the set or map, with the types of its fields. */
export type Element<K extends Fields, D extends Fields> = ElementKey<K> &
  DataOf<D> & {
    /** How long it lives, where that differs from the set's own. */
    readonly timeoutMs?: number
  }

type DataOf<D extends Fields> = Fields extends D
  ? { readonly data?: AnyValue }
  : D extends readonly []
    ? unknown
    : { readonly data: FieldsValue<D> }

/** An element whose set is known only at run time. */
export interface AnyElement {
  readonly key: AnyValue
  readonly last?: AnyValue
  readonly data?: AnyValue
  readonly timeoutMs?: number
}

export function set<const K extends Fields>(
  name: string,
  key: K,
  options: SetOptions = {},
): SetNode<K, readonly []> {
  return Object.freeze({ kind: 'set', name, key, data: NO_DATA, flags: [], ...options })
}

export function map<const K extends Fields, const D extends Fields>(
  name: string,
  key: K,
  data: D,
  options: SetOptions = {},
): SetNode<K, D> {
  return Object.freeze({ kind: 'set', name, key, data, flags: [], ...options })
}

/** `map pod_class4`, for messages. */
export function describeSet({ name, data }: SetNode): string {
  return `${data.length > 0 ? 'map' : 'set'} ${name}`
}

/** Whether its intervals are kept as two elements each, start and end: those of concatenations are not. */
export function hasBounds({ key, flags }: SetNode): boolean {
  return key.length === 1 && flags.includes('interval')
}

const NO_DATA = [] as const
