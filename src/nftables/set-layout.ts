import { datatypes, readValue, writeValue } from './datatypes.ts'
import type { TypeName } from './datatypes.ts'
import { NftablesError } from './errors.ts'
import type { AnyValue, Fields, SetNode } from './set.ts'

/** One value of a concatenation: where it lies in the key. */
export interface Field {
  readonly type: TypeName
  readonly at: number
  readonly bytes: number
}

/** How keys, or data, lie in memory. */
export interface Layout {
  readonly fields: readonly Field[]
  readonly bytes: number
  /** nft's number for the type: 6 bits for each field. */
  readonly id: number
  readonly bigEndian: boolean
}

/** Fields of a concatenation begin on multiples of 4 bytes, as registers do. */
export function layoutOf(types: Fields, bigEndian: boolean): Layout {
  const fields: Field[] = []
  let end = 0
  let id = 0
  for (const type of types) {
    const { bytes, id: typeId } = datatypes[type]
    fields.push({ type, at: end, bytes })
    end += types.length > 1 ? (bytes + 3) & ~3 : bytes
    id = id * 64 + typeId
  }
  return { fields, bytes: end, id, bigEndian }
}

/** Interval sets compare keys byte by byte: their numbers have the most significant byte first. */
export function keyLayout({ key, flags }: SetNode): Layout {
  return layoutOf(key, flags.includes('interval'))
}

export function dataLayout({ data }: SetNode): Layout {
  return layoutOf(data, false)
}

/** Writes into `bytes`, whose padding is zero already. */
export function writeFields(layout: Layout, value: AnyValue, bytes: Uint8Array): void {
  const { fields, bigEndian } = layout
  const [first] = fields
  if (first !== undefined && fields.length === 1 && typeof value !== 'object') {
    return writeValue(bytes, 0, first.type, value, bigEndian)
  }
  if (typeof value !== 'object' || value.length !== fields.length) {
    const types = fields.map(({ type }) => type).join(' . ')
    throw new NftablesError('NFT_VALUE', `${String(value)} is not a value of type ${types}.`)
  }
  let place = 0
  for (const { type, at } of fields) {
    const part = value[place++]
    if (part !== undefined) writeValue(bytes, at, type, part, bigEndian)
  }
}

export function readFields(layout: Layout, bytes: Uint8Array): AnyValue {
  const { fields, bigEndian } = layout
  if (bytes.length !== layout.bytes) {
    throw new NftablesError(
      'NFT_DUMP',
      `A value of the kernel has ${bytes.length} bytes instead of ${layout.bytes}: the set there has other types.`,
    )
  }
  const [first, second] = fields
  if (first !== undefined && second === undefined) return readValue(bytes, 0, first.type, bigEndian)
  return fields.map(({ type, at }) => readValue(bytes, at, type, bigEndian))
}
