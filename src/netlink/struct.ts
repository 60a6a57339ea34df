import { NetlinkDecodeError, NetlinkEncodeError } from './errors.ts'
import { numbers } from './integers.ts'
import type { NumberType } from './integers.ts'

/** Fields of a C struct in the order in which they lie in memory, padding named as the kernel names it. */
export interface StructSpec {
  readonly [field: string]: NumberType
}

export type StructValues<S extends StructSpec> = { readonly [Field in keyof S]: number }

export interface Struct<S extends StructSpec> {
  /** The kernel's name, for errors. */
  readonly name: string
  readonly spec: S
  /** What `spec` names, listed once for all messages. */
  readonly fields: readonly (readonly [name: string, type: NumberType])[]
  readonly bytes: number
}

export function struct<const S extends StructSpec>(name: string, spec: S): Struct<S> {
  const fields = Object.entries(spec)
  const bytes = fields.reduce((sum, [, type]) => sum + numbers[type].bytes, 0)
  return { name, spec, fields, bytes }
}

/**
 * The struct as bytes; fields that `values` leaves out are 0.
 *
 * @throws {NetlinkEncodeError} when a value is outside its field's range.
 */
export function encodeStruct<S extends StructSpec>(
  { name, fields, bytes }: Struct<S>,
  values: NoInfer<Partial<StructValues<S>>>,
): Uint8Array {
  let at = 0
  for (const [field, type] of fields) {
    const codec = numbers[type]
    const value = values[field] ?? 0
    if (!Number.isInteger(value) || value < codec.min || value > codec.max) {
      throw new NetlinkEncodeError(`${name}.${field}`, `${value} is not a value of type ${type}.`)
    }
    codec.write(scratchView, at, value)
    at += codec.bytes
  }
  return scratch.slice(0, bytes)
}

/** Of each call in turn: V8 keeps a few bytes on its heap, but not those that a view of their own looks at. */
const scratch = new Uint8Array(64)
const scratchView = new DataView(scratch.buffer)

/**
 * Reads the struct at the beginning of `bytes`; what follows it is left alone.
 *
 * @throws {NetlinkDecodeError} when there are too few bytes.
 */
export function decodeStruct<S extends StructSpec>(
  struct: Struct<S>,
  bytes: Uint8Array,
): StructValues<S>
export function decodeStruct(
  { name, fields, bytes: size }: Struct<StructSpec>,
  bytes: Uint8Array,
): Record<string, number> {
  if (bytes.length < size) {
    throw new NetlinkDecodeError(name, `it has ${bytes.length} bytes instead of ${size}.`)
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: Record<string, number> = {}
  let at = 0
  for (const [field, type] of fields) {
    values[field] = numbers[type].read(view, at)
    at += numbers[type].bytes
  }
  return values
}
