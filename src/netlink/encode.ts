import { AttributeWriter } from './attribute-writer.ts'
import { NLA_F_NESTED } from './attributes.ts'
import type {
  Attribute,
  AttributeSpec,
  AttributeTable,
  AttributeValues,
  List,
  Nested,
} from './attributes.ts'
import { NetlinkEncodeError } from './errors.ts'

/**
 * The attributes as bytes, in the order in which `values` names them; `undefined` is left out.
 *
 * @throws {NetlinkEncodeError} when a value is outside its type's range or longer than an attribute.
 */
export function encode<S extends AttributeSpec>(
  table: AttributeTable<S>,
  values: NoInfer<AttributeValues<S>>,
): Uint8Array {
  scratch.clear()
  encodeInto(scratch, table, values)
  return scratch.bytes().slice()
}

/** Of each call in turn: a request has a few bytes, and memory outside of the heap for each costs more than to copy. */
const scratch = new AttributeWriter()

/** Like `encode`, behind what the writer already holds. */
export function encodeInto<S extends AttributeSpec>(
  writer: AttributeWriter,
  table: AttributeTable<S>,
  values: NoInfer<AttributeValues<S>>,
): void {
  writeTable(writer, table, values)
}

function writeTable(writer: AttributeWriter, table: AttributeTable, values: object): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    const attribute = table.byName.get(name)
    if (!attribute) throw new NetlinkEncodeError(name, 'its table has no such attribute.')
    writeValue(writer, attribute, value)
  }
}

function writeValue(writer: AttributeWriter, attribute: Attribute, value: unknown): void {
  const { type } = attribute
  if (typeof type !== 'string') return writeNest(writer, attribute, type, value)
  switch (type) {
    case 'string':
      if (typeof value === 'string') return writer.string(attribute, value)
      break
    case 'binary':
      if (value instanceof Uint8Array) return writer.binary(attribute, value)
      break
    case 'nestedBytes':
      if (value instanceof Uint8Array) return writer.binary(attribute, value, NLA_F_NESTED)
      break
    case 'flag':
      if (value === true) return writer.flag(attribute)
      break
    case 'u64':
    case 'be64':
      if (typeof value === 'bigint') return writer.bigint(attribute, type, value)
      break
    default:
      if (typeof value === 'number') return writer.number(attribute, type, value)
  }
  throw wrongType(attribute, type, value)
}

function writeNest(
  writer: AttributeWriter,
  attribute: Attribute,
  type: Nested | List,
  value: unknown,
): void {
  if (typeof value !== 'object' || value === null) throw wrongType(attribute, type.kind, value)
  const start = writer.open(attribute)
  if (type.kind === 'nested') writeTable(writer, type.table, value)
  else if (Array.isArray(value)) for (const item of value) writeValue(writer, type.item, item)
  else throw wrongType(attribute, type.kind, value)
  writer.close(attribute, start)
}

function wrongType(attribute: Attribute, type: string, value: unknown): NetlinkEncodeError {
  return new NetlinkEncodeError(attribute.name, `a ${typeof value} is not of its type, ${type}.`)
}
