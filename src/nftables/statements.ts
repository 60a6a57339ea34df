import { datatypes } from './datatypes.ts'
import type { Datatype, SymbolOf, TypeName, Value, ValueOf } from './datatypes.ts'
import { NftablesError } from './errors.ts'
import { selectors } from './selectors.ts'
import type { Selector, TypeOf, TypesOf } from './selectors.ts'
import type { AnyElement, Fields, SetNode } from './set.ts'

/** What a rule is made of, in order. Nodes are frozen; make them with the functions below. */
export type Statement =
  | Compare
  | AnyFlag
  | Lookup
  | SetMeta
  | Verdict
  | Counter
  | Log
  | Limit
  | OneIn
  | Reject
  | Update
  | Dnat
  | Masquerade

export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>='

export interface Compare {
  readonly kind: 'compare'
  readonly selector: Selector
  /** Bits that count; absent: all. */
  readonly mask?: number
  readonly operator: CompareOperator
  readonly value: Value | Prefix
}

/** All addresses whose first `prefix` bits are those of `first`. */
export interface Prefix<V extends Value = Value> {
  readonly first: V
  readonly prefix: number
}

export interface AnyFlag {
  readonly kind: 'anyFlag'
  readonly selector: Selector
  readonly flags: number
}

export interface Lookup {
  readonly kind: 'lookup'
  readonly key: readonly Selector[]
  readonly negated: boolean
  /** A set of the table, or the elements of a constant set that belongs to the rule. */
  readonly set: SetNode | readonly AnyElement[]
}

/** The data that a map has for a key. Where it has none, the rule ends. */
export interface MapLookup<D extends Fields = Fields> {
  readonly kind: 'mapLookup'
  readonly key: readonly Selector[]
  readonly map: SetNode<Fields, D>
}

export interface SetMeta {
  readonly kind: 'setMeta'
  readonly target: MetaTarget
  readonly value: number | MapLookup
}
export type MetaTarget = 'meta priority' | 'meta mark'

export interface Verdict {
  readonly kind: 'verdict'
  readonly verdict:
    | 'accept'
    | 'drop'
    | 'return'
    | { readonly jump: string }
    | { readonly goto: string }
}

export interface Counter {
  readonly kind: 'counter'
  /** A counter of the table; absent: one of this rule's own. */
  readonly name?: string
}

export interface Log {
  readonly kind: 'log'
  readonly group: number
  readonly prefix?: string
  /** Bytes of packet. */
  readonly snaplen?: number
  /** Packets that the kernel collects before it sends them. */
  readonly queueThreshold?: number
}

export interface Limit {
  readonly kind: 'limit'
  /** Packets. */
  readonly rate: number
  readonly per: 'second' | 'minute' | 'hour'
  /** Packets. */
  readonly burst: number
}

export interface OneIn {
  readonly kind: 'oneIn'
  readonly packets: number
}

export type RejectReason =
  | 'tcp reset'
  | 'no-route'
  | 'port-unreachable'
  | 'host-unreachable'
  | 'admin-prohibited'

export interface Reject {
  readonly kind: 'reject'
  readonly with: RejectReason
}

/** `update @deny_rate4 { ip daddr limit rate … }`: the packet's element, made or kept alive. */
export interface Update {
  readonly kind: 'update'
  readonly set: SetNode
  readonly key: readonly Selector[]
  readonly statement?: Limit | Counter
  readonly timeoutMs?: number
}

export interface Dnat {
  readonly kind: 'dnat'
  readonly family: 'ip' | 'ip6'
  /** Data of the map: address and port. */
  readonly to: MapLookup
}

export interface Masquerade {
  readonly kind: 'masquerade'
}

/** Types that nft compares bit by bit. */
export type FlagType = 'tcp_flag' | 'ct_state' | 'ct_status'
export type FlagSelector = { [S in Selector]: TypeOf<S> extends FlagType ? S : never }[Selector]
/** What nft writes as a number, or a pair of numbers, and masks as such. */
export type NumberSelector = 'meta priority' | 'meta mark'
type AddressType = 'ipv4_addr' | 'ipv6_addr'

/** What one field may be compared with: a value, a name that nft has for it, an address block. */
export type Literal<T extends TypeName> =
  | ValueOf<T>
  | SymbolOf<T>
  | (T extends AddressType ? Prefix<ValueOf<T>> : never)

/**
 * `match('ip saddr', '==', address)`, `match('meta priority', '<', 0x80000000)`: one value. An interface
 * name that ends in `*` stands for all that begin so.
 *
 * @throws {NftablesError} when the value is none of the selector's type.
 */
export function match<S extends Selector>(
  selector: S,
  operator: CompareOperator,
  value: Literal<TypeOf<S>>,
): Compare
export function match(
  selector: Selector,
  operator: CompareOperator,
  value: Value | Prefix,
): Compare {
  return Object.freeze({ kind: 'compare', selector, operator, value: resolve(selector, value) })
}

/** `tcp flags & (fin|syn) == syn`: `matchMasked('tcp flags', ['fin', 'syn'], '==', ['syn'])`. */
export function matchMasked<S extends FlagSelector>(
  selector: S,
  mask: readonly SymbolOf<TypeOf<S>>[],
  operator: '==' | '!=',
  flags: readonly SymbolOf<TypeOf<S>>[],
): Compare {
  const value = bits(selector, flags)
  return Object.freeze({ kind: 'compare', selector, mask: bits(selector, mask), operator, value })
}

/** `meta priority & c000:0 == 8000:0`: of a number, only these bits. */
export function matchBits<S extends NumberSelector>(
  selector: S,
  mask: number,
  operator: '==' | '!=',
  value: number,
): Compare {
  return Object.freeze({ kind: 'compare', selector, mask, operator, value })
}

/** `ct state established,related`: at least one of the flags is set. */
export function matchAny<S extends FlagSelector>(
  selector: S,
  flags: readonly SymbolOf<TypeOf<S>>[],
): AnyFlag {
  return Object.freeze({ kind: 'anyFlag', selector, flags: bits(selector, flags) })
}

/** `iifname . ip saddr @pod_if4`: the key is in the set. */
export function inSet<const S extends readonly Selector[]>(
  key: S,
  set: SetNode<TypesOf<S>, readonly []>,
): Lookup {
  return Object.freeze({ kind: 'lookup', key, negated: false, set })
}

/** `iifname . ip saddr != @pod_if4`. */
export function notInSet<const S extends readonly Selector[]>(
  key: S,
  set: SetNode<TypesOf<S>, readonly []>,
): Lookup {
  return Object.freeze({ kind: 'lookup', key, negated: true, set })
}

/** `icmpv6 type { 133, 135 }`: one of these values, address blocks included. */
export function oneOf<S extends Selector>(
  selector: S,
  values: readonly Literal<TypeOf<S>>[],
): Lookup
export function oneOf(selector: Selector, values: readonly (Value | Prefix)[]): Lookup {
  const elements = values.map((value) => element(resolve(selector, value)))
  return Object.freeze({ kind: 'lookup', key: [selector], negated: false, set: elements })
}

/** `ip daddr . meta priority map @in_ports4`. */
export function mapLookup<const S extends readonly Selector[], D extends Fields>(
  key: S,
  map: SetNode<TypesOf<S>, D>,
): MapLookup<D> {
  return Object.freeze({ kind: 'mapLookup', key, map })
}

/** `meta priority set …`: a value, or what a map says; without an element there, it stays and the rule ends. */
export function setMeta<T extends MetaTarget>(
  target: T,
  value: number | MapLookup<readonly [TypeOf<T>]>,
): SetMeta {
  return Object.freeze({ kind: 'setMeta', target, value })
}

export const accept: Verdict = Object.freeze({ kind: 'verdict', verdict: 'accept' })
export const drop: Verdict = Object.freeze({ kind: 'verdict', verdict: 'drop' })
/** Back to the chain that jumped here. */
export const returnVerdict: Verdict = Object.freeze({ kind: 'verdict', verdict: 'return' })

export function jump(chain: string): Verdict {
  return Object.freeze({ kind: 'verdict', verdict: Object.freeze({ jump: chain }) })
}

export function goto(chain: string): Verdict {
  return Object.freeze({ kind: 'verdict', verdict: Object.freeze({ goto: chain }) })
}

/** Without a name, a counter of the rule's own. */
export function counter(name?: string): Counter {
  return Object.freeze(name === undefined ? { kind: 'counter' } : { kind: 'counter', name })
}

/** To the netlink log group `group` (NFLOG). */
export function log(options: Omit<Log, 'kind'>): Log {
  return Object.freeze({ kind: 'log', ...options })
}

/** At most `rate` packets; nft's burst of 5 where none is given. Packets above it end the rule. */
export function limit(rate: number, per: Limit['per'] = 'second', burst = 5): Limit {
  return Object.freeze({ kind: 'limit', rate, per, burst })
}

/** `numgen inc mod 10 0`: one packet in so many goes on, the others end the rule. */
export function oneIn(packets: number): OneIn {
  return Object.freeze({ kind: 'oneIn', packets })
}

/** `'tcp reset'` matches TCP only; the others answer with ICMP of the packet's own family. */
export function reject(reason: RejectReason): Reject {
  return Object.freeze({ kind: 'reject', with: reason })
}

export function update<const S extends readonly Selector[]>(
  set: SetNode<TypesOf<S>, readonly []>,
  key: S,
  options: Pick<Update, 'statement' | 'timeoutMs'> = {},
): Update {
  return Object.freeze({ kind: 'update', set, key, ...options })
}

export function dnat<F extends Dnat['family']>(
  family: F,
  to: MapLookup<readonly [F extends 'ip' ? 'ipv4_addr' : 'ipv6_addr', 'inet_service']>,
): Dnat {
  return Object.freeze({ kind: 'dnat', family, to })
}

export const masquerade: Masquerade = Object.freeze({ kind: 'masquerade' })

/** The number that a name of the selector's type stands for; other values as they are. */
function resolve(selector: Selector, value: Value | Prefix): Value | Prefix {
  const { form, symbols }: Datatype = datatypes[selectors[selector].type]
  if (form !== 'integer' || typeof value !== 'string') return value
  const number = symbols[value]
  if (number === undefined) {
    throw new NftablesError('NFT_VALUE', `${selector} has no value named ${value}.`)
  }
  return number
}

function bits(selector: Selector, names: readonly string[]): number {
  let flags = 0
  for (const name of names) {
    const bit = resolve(selector, name)
    if (typeof bit === 'number') flags |= bit
  }
  return flags
}

function element(value: Value | Prefix): AnyElement {
  if (typeof value !== 'object') return { key: value }
  const { first, prefix } = value
  if (typeof first === 'bigint')
    return { key: first, last: first | ((1n << BigInt(128 - prefix)) - 1n) }
  if (typeof first === 'number') return { key: first, last: first + 2 ** (32 - prefix) - 1 }
  throw new NftablesError('NFT_VALUE', `${first} is not an address.`)
}
