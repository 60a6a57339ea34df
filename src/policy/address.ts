/** An IPv4 address as an unsigned 32-bit number. The two families tell themselves apart by `typeof`. */
export type Ip4 = number & { readonly __brand: 'ip4' }
/** An IPv6 address as an unsigned 128-bit integer. */
export type Ip6 = bigint & { readonly __brand: 'ip6' }
/** Usable as a `Map` key as it is. */
export type Address = Ip4 | Ip6
export type Family = 4 | 6

/** A block of addresses of one family, host bits cleared. */
export interface Cidr {
  readonly first: Address
  readonly last: Address
  readonly prefix: number
}

const MAX4 = 0xffff_ffff
const MAX6 = (1n << 128n) - 1n
/** `::ffff:0:0/96`, the IPv4-mapped block (RFC 4291 section 2.5.5.2). */
const MAPPED = 0xffffn

export function familyOf(address: Address): Family {
  return typeof address === 'number' ? 4 : 6
}

/** Bits of an address of this family. */
export function widthOf(family: Family): 32 | 128 {
  return family === 4 ? 32 : 128
}

/** @throws RangeError unless `value` is an integer from 0 to 2³²−1. */
export function ip4(value: number): Ip4 {
  if (!Number.isInteger(value) || value < 0 || value > MAX4) {
    throw new RangeError(`${value} is no IPv4 address: it must be an integer from 0 to 2^32-1.`)
  }
  return value as Ip4
}

/** @throws RangeError unless `value` is from 0 to 2¹²⁸−1. */
export function ip6(value: bigint): Ip6 {
  if (value < 0n || value > MAX6) {
    throw new RangeError(`${value} is no IPv6 address: it must be from 0 to 2^128-1.`)
  }
  return value as Ip6
}

/**
 * The address that `text` writes, or undefined. Strict: no leading zeros, no zone, no spaces. An IPv4-mapped
 * IPv6 address is the IPv4 address, as it is to Kubernetes (Go `net.IP`).
 */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(':')) return parse4(text, 0, text.length, false)
  const address = parse6(text, text.length, false)
  return address === undefined ? undefined : unmap(address)
}

/** IPv4 in dotted decimal, IPv6 as RFC 5952 says. */
export function formatAddress(address: Address): string {
  return typeof address === 'number' ? format4(address) : format6(address)
}

export interface CidrReading {
  readonly cidr: Cidr
  /** One sentence, when newer API servers refuse this way of writing. */
  readonly warning?: string
}

/**
 * The block that `text` writes, or undefined. Host bits, leading zeros (decimal) and IPv4-mapped IPv6 are read
 * as API servers before 1.36 read them, with a warning (`IsValidCIDRForLegacyField`, `ParseCIDRSloppy`).
 */
export function parseCidr(text: string): CidrReading | undefined {
  const strict = readCidr(text, false)
  const read = strict ?? readCidr(text, true)
  if (read === undefined) return undefined
  const cidr = blockOf(read.address, read.prefix)
  const fault = read.mapped
    ? 'is an IPv4 block written as IPv6'
    : strict === undefined
      ? 'has leading zeros'
      : cidr.first !== read.address
        ? 'has bits set after its prefix'
        : undefined
  if (fault === undefined) return { cidr }
  const warning = `${JSON.stringify(text)} ${fault}: Kubernetes 1.36 and later refuse it in new objects; write ${JSON.stringify(formatCidr(cidr))}.`
  return { cidr, warning }
}

export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.first)}/${cidr.prefix}`
}

/**
 * The block of `prefix` bits that `address` lies in.
 * @throws RangeError when the family has no such prefix.
 */
export function blockOf(address: Address, prefix: number): Cidr {
  const width = widthOf(familyOf(address))
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > width) {
    throw new RangeError(`/${prefix} is no prefix of ${formatAddress(address)}: 0 to ${width}.`)
  }
  if (typeof address === 'number') {
    const hosts = 2 ** (32 - prefix)
    const first = address - (address % hosts)
    return { first: ip4(first), last: ip4(first + hosts - 1), prefix }
  }
  const hostBits = BigInt(128 - prefix)
  const first = (address >> hostBits) << hostBits
  return { first: ip6(first), last: ip6(first | ((1n << hostBits) - 1n)), prefix }
}

/** Whether the address lies in the block; never for an address of the other family. */
export function contains(cidr: Cidr, address: Address): boolean {
  return familyOf(cidr.first) === familyOf(address) && cidr.first <= address && address <= cidr.last
}

/** Whether `inner` is a part of `outer`, and not all of it. */
export function strictlyInside(inner: Cidr, outer: Cidr): boolean {
  return inner.prefix > outer.prefix && contains(outer, inner.first)
}

const DOT = 46
const COLON = 58

/** IPv4 in `text` from `at` to `end`. */
function parse4(text: string, at: number, end: number, leadingZeros: boolean): Ip4 | undefined {
  let address = 0
  for (let octet = 0; octet < 4; octet++) {
    if (octet > 0 && text.charCodeAt(at++) !== DOT) return undefined
    const start = at
    let value = 0
    for (; at < end; at++) {
      const digit = text.charCodeAt(at) - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      if (value > 255) return undefined
    }
    const digits = at - start
    if (digits === 0) return undefined
    if (digits > 1 && text.charCodeAt(start) === 48 && !leadingZeros) return undefined
    address = address * 256 + value
  }
  return at === end ? ip4(address) : undefined
}

/** The eight groups of the address being parsed: filled anew by every call, so that a parse allocates little. */
const groups = new DataView(new ArrayBuffer(16))

/** IPv6 in `text` up to `end`, IPv4-mapped ones as they stand. */
function parse6(text: string, end: number, leadingZeros: boolean): Ip6 | undefined {
  let count = 0
  let gap = -1
  let at = 0
  if (text.startsWith('::')) {
    gap = 0
    at = 2
  }
  while (at < end || count === 0) {
    if (at === end && gap === 0) break
    if (count === 8) return undefined
    const start = at
    let value = 0
    for (let digit = hexDigit(text, at); at < end && digit >= 0; digit = hexDigit(text, ++at)) {
      value = value * 16 + digit
      if (value > 0xffff) return undefined
    }
    if (at === start || (at - start > 4 && !leadingZeros)) return undefined
    if (at < end && text.charCodeAt(at) === DOT) {
      const tail = parse4(text, start, end, leadingZeros)
      if (tail === undefined || count > 6) return undefined
      groups.setUint32(count * 2, tail)
      count += 2
      break
    }
    groups.setUint16(count++ * 2, value)
    if (at === end) break
    if (text.charCodeAt(at++) !== COLON || at === end) return undefined
    if (text.charCodeAt(at) === COLON) {
      if (gap >= 0) return undefined
      gap = count
      at++
    }
  }
  return gap < 0 ? (count === 8 ? joinGroups() : undefined) : openGap(gap, count)
}

/** Moves the groups behind `::` to the end. The gap stands for at least one group. */
function openGap(gap: number, count: number): Ip6 | undefined {
  const missing = 8 - count
  if (missing === 0) return undefined
  for (let group = 7; group >= gap; group--) {
    const from = group - missing
    groups.setUint16(group * 2, from >= gap ? groups.getUint16(from * 2) : 0)
  }
  return joinGroups()
}

function joinGroups(): Ip6 {
  return ip6((groups.getBigUint64(0) << 64n) | groups.getBigUint64(8))
}

function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at)
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

function unmap(address: Ip6): Address {
  return address >> 32n === MAPPED ? ip4(Number(address & 0xffff_ffffn)) : address
}

interface CidrText {
  readonly address: Address
  readonly prefix: number
  /** Written as IPv4-mapped IPv6, and as a whole inside that block. */
  readonly mapped: boolean
}

function readCidr(text: string, leadingZeros: boolean): CidrText | undefined {
  const slash = text.indexOf('/')
  const digits = text.slice(slash + 1)
  if (slash < 0 || !(leadingZeros ? /^\d+$/ : /^(0|[1-9]\d*)$/).test(digits)) return undefined
  const prefix = Number(digits)
  if (!text.includes(':')) {
    const address = parse4(text, 0, slash, leadingZeros)
    return address === undefined || prefix > 32 ? undefined : { address, prefix, mapped: false }
  }
  const written = parse6(text, slash, leadingZeros)
  if (written === undefined || prefix > 128) return undefined
  const address = unmap(written)
  // A shorter prefix reaches beyond the mapped block: an IPv6 block, even to Kubernetes.
  return typeof address === 'number' && prefix >= 96
    ? { address, prefix: prefix - 96, mapped: true }
    : { address: written, prefix, mapped: false }
}

function format4(address: Ip4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}

function format6(address: Ip6): string {
  if (address >> 32n === MAPPED) return `::ffff:${format4(ip4(Number(address & 0xffff_ffffn)))}`
  const hex = address.toString(16).padStart(32, '0')
  const words = Array.from({ length: 8 }, (_, i) =>
    Number.parseInt(hex.slice(i * 4, i * 4 + 4), 16).toString(16),
  )
  const { start, length } = longestZeros(words)
  if (length < 2) return words.join(':')
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}`
}

/** The first of the longest runs of zero groups. */
function longestZeros(words: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let length = 0
  words.forEach((word, i) => {
    length = word === '0' ? length + 1 : 0
    if (length > best.length) best = { start: i - length + 1, length }
  })
  return best
}
