import type { AnyElement, AnyValue, Fields, SetNode } from '../../src/nftables/set.ts'
import type { Operation, Transaction } from '../../src/nftables/transaction.ts'
import { formatAddress, ip4, ip6 } from '../../src/policy/address.ts'

/**
 * A transaction of elements as `nft -f` reads it.
 *
 * @throws Error for anything that is no element.
 */
export function nftText({ table, operations }: Transaction): string {
  const place = `${table.family} ${table.table}`
  return operations.map((operation) => `${commandOf(operation, place)}\n`).join('')
}

function commandOf(operation: Operation, place: string): string {
  if (operation.kind !== 'addElements' && operation.kind !== 'deleteElements') {
    throw new Error(`There is no text for ${operation.kind}: only elements change after the start.`)
  }
  const { set, elements } = operation
  const verb = operation.kind === 'addElements' ? 'add' : 'delete'
  const list = elements.map((element) => elementText(set, element)).join(', ')
  return `${verb} element ${place} ${set.name} { ${list} }`
}

function elementText({ key, data }: SetNode, element: AnyElement): string {
  const first = valueText(key, element.key)
  const keys = element.last === undefined ? first : rangeText(key, element.key, element.last)
  return element.data === undefined ? keys : `${keys} : ${valueText(data, element.data)}`
}

/** Each field of a concatenation has a range of its own. */
function rangeText(types: Fields, first: AnyValue, last: AnyValue): string {
  const ends = valuesOf(last)
  const fields = valuesOf(first).map((value, index) => {
    const [from, to] = [fieldText(types[index], value), fieldText(types[index], ends[index])]
    return from === to ? from : `${from}-${to}`
  })
  return fields.join(' . ')
}

function valueText(types: Fields, value: AnyValue): string {
  return valuesOf(value)
    .map((one, index) => fieldText(types[index], one))
    .join(' . ')
}

function valuesOf(value: AnyValue): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function fieldText(type: Fields[number] | undefined, value: unknown): string {
  if (type === 'ipv4_addr' && typeof value === 'number') return formatAddress(ip4(value))
  if (type === 'ipv6_addr' && typeof value === 'bigint') return formatAddress(ip6(value))
  if (type === 'classid' && typeof value === 'number') {
    return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
  }
  return String(value)
}
