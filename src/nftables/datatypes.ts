import { NftablesError } from './errors.ts'

/**
 * The data types that keys, map values and matches have, in nft's words. `id` is what nft finds a type by
 * when it lists a set (enum datatypes in nft's datatype.h; the kernel only stores it); `order` is the byte
 * order of the value in a register; `symbols` are the names that nft prints.
 */
export const datatypes = {
  nfproto: integer(2, 1, 'host', { ipv4: 2, ipv6: 10 }),
  ipv4_addr: integer(7, 4, 'network', {}),
  ipv6_addr: { form: 'wide', id: 8, bytes: 16, order: 'network', symbols: {} },
  ether_addr: { form: 'hardware', id: 9, bytes: 6, order: 'network', symbols: {} },
  /** linux/if_ether.h */
  ethertype: integer(10, 2, 'network', { ip: 0x0800, arp: 0x0806, ip6: 0x86dd }),
  inet_proto: integer(12, 1, 'none', { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, sctp: 132 }),
  inet_service: integer(13, 2, 'network', {}),
  icmp_type: integer(14, 1, 'network', {
    'echo-reply': 0,
    'destination-unreachable': 3,
    'echo-request': 8,
    'time-exceeded': 11,
  }),
  tcp_flag: integer(15, 1, 'none', { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 }),
  mark: integer(19, 4, 'host', {}),
  /** A packet's priority (tc class): nft prints `8000:11`. */
  classid: integer(23, 4, 'host', {}),
  ct_state: integer(26, 4, 'host', {
    invalid: 1,
    established: 2,
    related: 4,
    new: 8,
    untracked: 64,
  }),
  ct_dir: integer(27, 1, 'none', { original: 0, reply: 1 }),
  /** enum ip_conntrack_status. */
  ct_status: integer(28, 4, 'host', {
    'seen-reply': 2,
    assured: 4,
    confirmed: 8,
    snat: 16,
    dnat: 32,
  }),
  icmpv6_type: integer(29, 1, 'network', {
    'destination-unreachable': 1,
    'packet-too-big': 2,
    'time-exceeded': 3,
    'parameter-problem': 4,
    'echo-request': 128,
    'echo-reply': 129,
    'mld-listener-query': 130,
    'mld-listener-report': 131,
    'mld-listener-done': 132,
    'nd-router-solicit': 133,
    'nd-router-advert': 134,
    'nd-neighbor-solicit': 135,
    'nd-neighbor-advert': 136,
    'nd-redirect': 137,
    'mld2-listener-report': 143,
  }),
  /** enum rtm_type: what a route to the address would be. */
  fib_addrtype: integer(38, 4, 'host', { unicast: 1, local: 2, broadcast: 3, multicast: 5 }),
  ifname: { form: 'text', id: 41, bytes: 16, order: 'host', symbols: {} },
  /** A plain number, such as a hop limit. */
  integer: integer(4, 1, 'network', {}),
  /** One of 24 bits. */
  integer24: integer(4, 3, 'network', {}),
} as const satisfies Record<string, Datatype>

export type TypeName = keyof typeof datatypes

/**
 * Values as JavaScript has them: IPv4 addresses and all other integers are numbers, IPv6 addresses bigints,
 * interface names and hardware addresses (`02:00:00:00:00:01`) strings.
 */
export type ValueOf<T extends TypeName> = (typeof datatypes)[T]['form'] extends 'integer'
  ? number
  : (typeof datatypes)[T]['form'] extends 'wide'
    ? bigint
    : string

/** The names that may stand for values of this type. */
export type SymbolOf<T extends TypeName> = Extract<keyof (typeof datatypes)[T]['symbols'], string>

export type Value = number | bigint | string

export interface Datatype {
  readonly form: 'integer' | 'wide' | 'text' | 'hardware'
  readonly id: number
  readonly bytes: number
  /** 'none': one byte that nft gives no order. */
  readonly order: 'network' | 'host' | 'none'
  readonly symbols: Readonly<Record<string, number>>
}

/**
 * Writes one value at `at`. `bigEndian` overrides the order of the type: interval sets and comparisons with
 * `<` hold every number most significant byte first, since the kernel compares with memcmp.
 *
 * @throws {NftablesError} when the value is not one of the type.
 */
export function writeValue(
  bytes: Uint8Array,
  at: number,
  type: TypeName,
  value: Value,
  bigEndian = false,
): void {
  const { form, bytes: length, order }: Datatype = datatypes[type]
  if (form === 'integer' && isUnsigned(value, length)) {
    writeInteger(bytes, at, length, value, bigEndian || order === 'network')
  } else if (form === 'wide' && typeof value === 'bigint' && value >= 0n && value < 1n << 128n) {
    wideView.setBigUint64(0, value >> 64n)
    wideView.setBigUint64(8, value)
    bytes.set(wide, at)
  } else if (form === 'text' && typeof value === 'string' && isInterfaceName(value)) {
    bytes.fill(0, at, at + length)
    utf8.encodeInto(value, bytes.subarray(at, at + length))
  } else if (form === 'hardware' && typeof value === 'string' && HARDWARE.test(value)) {
    for (let index = 0; index < length; index++) {
      bytes[at + index] = Number.parseInt(value.slice(3 * index, 3 * index + 2), 16)
    }
  } else {
    throw new NftablesError('NFT_VALUE', `${String(value)} is not a value of type ${type}.`)
  }
}

/** The value at `at`, as `writeValue` takes it. */
export function readValue(bytes: Uint8Array, at: number, type: TypeName, bigEndian = false): Value {
  const { form, bytes: length, order }: Datatype = datatypes[type]
  switch (form) {
    case 'integer':
      return readInteger(bytes, at, length, bigEndian || order === 'network')
    case 'wide': {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, 16)
      return (view.getBigUint64(0) << 64n) | view.getBigUint64(8)
    }
    case 'text': {
      const end = bytes.indexOf(0, at)
      return latin.decode(bytes.subarray(at, end < 0 ? at + length : Math.min(end, at + length)))
    }
    case 'hardware': {
      const parts = Array.from(bytes.subarray(at, at + length), (byte) =>
        byte.toString(16).padStart(2, '0'),
      )
      return parts.join(':')
    }
  }
}

/** Of each call in turn: a view for each value of a large set takes longer than to copy. */
const wide = new Uint8Array(16)
const wideView = new DataView(wide.buffer)

const utf8 = new TextEncoder()
const latin = new TextDecoder()
const HARDWARE = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/

function integer<const S extends Record<string, number>>(
  id: number,
  bytes: 1 | 2 | 3 | 4,
  order: Datatype['order'],
  symbols: S,
) {
  return { form: 'integer', id, bytes, order, symbols } as const
}

function isUnsigned(value: Value, bytes: number): value is number {
  return (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= 0 &&
    value <= 0xffff_ffff >>> (32 - 8 * bytes)
  )
}

/** Linux's limit is 15 bytes (IFNAMSIZ 16 with the NUL). */
function isInterfaceName(value: string): boolean {
  return value.length > 0 && Buffer.byteLength(value) < 16 && !value.includes('\0')
}

function writeInteger(
  bytes: Uint8Array,
  at: number,
  length: number,
  value: number,
  bigEndian: boolean,
): void {
  for (let index = 0; index < length; index++) {
    bytes[at + index] = value >>> (8 * (bigEndian ? length - 1 - index : index))
  }
}

function readInteger(bytes: Uint8Array, at: number, length: number, bigEndian: boolean): number {
  let value = 0
  for (let index = 0; index < length; index++) {
    const byte = bytes[at + (bigEndian ? index : length - 1 - index)] ?? 0
    value = value * 256 + byte
  }
  return value
}
