import fc from 'fast-check'
import { datatypes } from '../../src/nftables/datatypes.ts'
import type { Datatype, TypeName, Value } from '../../src/nftables/datatypes.ts'
import type { AnyElement, AnyValue, Fields, SetNode } from '../../src/nftables/set.ts'
import { map, set } from '../../src/nftables/set.ts'

/** Types that addresses, ports and the like are kept under; the rest only serve in matches. */
export const keyTypes = [
  'ipv4_addr',
  'ipv6_addr',
  'ether_addr',
  'inet_proto',
  'inet_service',
  'mark',
  'classid',
  'ifname',
] as const satisfies readonly TypeName[]

/** Each type alone, as map, as intervals; concatenations, ranges of them, timeouts. */
export const setsOfEveryKind: readonly SetNode[] = [
  ...keyTypes.map((type) => set(`set_${type}`, [type])),
  ...keyTypes.map((type) => map(`map_${type}`, [type], ['classid'])),
  ...keyTypes
    .filter((type) => type !== 'ifname')
    .map((type) => map(`interval_${type}`, [type], ['classid'], { flags: ['interval'] })),
  set('concatenation', ['ifname', 'ipv6_addr', 'inet_proto', 'inet_service']),
  map('rows', ['ipv4_addr', 'classid'], ['classid']),
  map('host_ports', ['inet_proto', 'inet_service'], ['ipv4_addr', 'inet_service']),
  set('ranges', ['classid', 'inet_proto', 'inet_service'], { flags: ['interval'] }),
  set('cut', ['ipv4_addr', 'inet_service'], { flags: ['timeout'], timeoutMs: 180_000 }),
]

/** Elements that may stand in one set together, as a dump has them: no key twice, intervals ascending. */
export function elementsOf({ key, data, flags }: SetNode): fc.Arbitrary<AnyElement[]> {
  const datum: fc.Arbitrary<{ data?: AnyValue }> =
    data.length === 0 ? fc.constant({}) : valueOf(data).map((value) => ({ data: value }))
  const [type] = key
  if (type !== undefined && key.length === 1 && flags.includes('interval')) {
    return fc
      .tuple(intervalsOf(type), fc.array(datum, { minLength: 8, maxLength: 8 }))
      .map(([intervals, values]) =>
        intervals.map((interval, index) => ({ ...interval, ...values[index] })),
      )
  }
  const keys = flags.includes('interval')
    ? rangesOf()
    : valueOf(key).map((value) => ({ key: value }))
  return fc.uniqueArray(
    fc.tuple(keys, datum).map(([range, value]) => ({ ...range, ...value })),
    { maxLength: 8, selector: ({ key: value }) => distinctBy(value, flags.includes('interval')) },
  )
}

/** Ranges differ in what comes before the port: the kernel refuses some of those that overlap in part. */
function distinctBy(value: AnyValue, isRange: boolean): string {
  return String(isRange && Array.isArray(value) ? value.slice(0, 2) : value)
}

function valueOf(types: Fields): fc.Arbitrary<AnyValue> {
  const [first, second] = types
  if (first !== undefined && second === undefined) return fieldOf(first)
  return fc.tuple(...types.map(fieldOf))
}

function fieldOf(type: TypeName): fc.Arbitrary<Value> {
  const { form, bytes }: Datatype = datatypes[type]
  switch (form) {
    case 'integer':
      return edges(2 ** (8 * bytes) - 1)
    case 'wide':
      return fc.oneof(fc.bigInt(0n, MAX_IP6), fc.constantFrom(0n, 1n, MAX_IP6))
    case 'hardware':
      return fc
        .uint8Array({ minLength: 6, maxLength: 6 })
        .map((octets) =>
          Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':'),
        )
    case 'text':
      return fc.stringMatching(/^[a-z0-9._-]{1,15}$/)
  }
}

function edges(max: number): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: 0, max }), fc.constantFrom(0, 1, max - 1, max))
}

const MAX_IP6 = (1n << 128n) - 1n

/** Up to eight disjoint intervals, adjacent ones and both ends of the space among them. */
function intervalsOf(type: TypeName): fc.Arbitrary<{ key: Value; last?: Value }[]> {
  const { form, bytes }: Datatype = datatypes[type]
  const max = (1n << BigInt(8 * bytes)) - 1n
  const value = (number: bigint): Value => {
    if (form === 'wide') return number
    if (form === 'integer') return Number(number)
    return number
      .toString(16)
      .padStart(12, '0')
      .replaceAll(/..(?!$)/g, '$&:')
  }
  const bound = fc.oneof(
    fc.bigInt(0n, max),
    fc.constantFrom(0n, 1n, 2n, 3n, max - 2n, max - 1n, max),
  )
  return fc.uniqueArray(bound, { maxLength: 8 }).map((bounds) => {
    const sorted = bounds.toSorted((a, b) => (a < b ? -1 : 1))
    const intervals: { key: Value; last?: Value }[] = []
    for (const [index, first] of sorted.entries()) {
      const next = sorted[index + 1]
      const last = index % 3 === 0 ? (next === undefined ? max : next - 1n) : first
      intervals.push({ key: value(first), ...(last !== first && { last: value(last) }) })
    }
    return intervals
  })
}

/** Port ranges of a class and protocol: disjoint, since every key has a class of its own. */
function rangesOf(): fc.Arbitrary<{ key: AnyValue; last?: AnyValue }> {
  return fc
    .tuple(edges(0xffff_ffff), edges(255), edges(65_535), edges(65_535))
    .map(([id, protocol, a, b]) => {
      const [first, last] = a < b ? [a, b] : [b, a]
      const key = [id, protocol, first]
      return first === last ? { key } : { key, last: [id, protocol, last] }
    })
}
