import { type Address, ip4, ip6 } from '../policy/address.ts'
import { align } from './attributes.ts'
import { CTA } from './conntrack-table.ts'
import { type Connection, readConnection, type Tuple } from './conntrack.ts'
import { NetlinkDecodeError } from './errors.ts'
import { nfgenmsg } from './headers.ts'
import type { Reply } from './message.ts'
import { NOWHERE, type PathsOf, placeFinder } from './place-finder.ts'

/** What of a connection tells whom it is between. A `Connection` tells it as well. */
export interface ConnectionEnds {
  /** IPPROTO_*, such as 6 for TCP. */
  readonly protocol: number
  readonly original: TupleEnds
  readonly reply: TupleEnds
}

export type TupleEnds = Pick<Tuple, 'src' | 'dst' | 'sport' | 'dport'>

/** An entry of a listing. It reads from the kernel's bytes what it is asked for. */
export interface ListedConnection extends ConnectionEnds {
  /** A helper expected it: it has a master. */
  readonly isExpected: boolean
  /** All of it. */
  decode(): Connection
}

/**
 * A function that reads entries one after the other, and throws NetlinkDecodeError whenever `readConnection` does.
 * Each entry holds until the next is read: one object serves for all.
 */
export function connectionReader(): (message: Reply) => ListedConnection {
  const source: Source = {
    view: new DataView(new ArrayBuffer()),
    places: new Int32Array(2 * PATHS.length),
  }
  let current: Reply | undefined
  const entry: ListedConnection = {
    original: tupleOf(source, ORIGINAL),
    reply: tupleOf(source, REPLY),
    get protocol() {
      const at = placeOf(source, PROTOCOL)
      return at === NOWHERE ? 0 : source.view.getUint8(at)
    },
    get isExpected() {
      return placeOf(source, MASTER) !== NOWHERE
    },
    decode: () => {
      if (current === undefined) throw new Error('No entry has been read yet.')
      return readConnection(current)
    },
  }
  return (message) => {
    current = message
    const { buffer, byteOffset, byteLength } = message.payload
    if (byteLength < nfgenmsg.bytes) {
      const problem = `it has ${byteLength} bytes instead of ${nfgenmsg.bytes}.`
      throw new NetlinkDecodeError(nfgenmsg.name, problem)
    }
    source.view = new DataView(buffer, byteOffset, byteLength)
    findPlaces(source.view, align(nfgenmsg.bytes), source.places)
    expectAddresses(source, ORIGINAL)
    expectAddresses(source, REPLY)
    if (entry.isExpected) expectAddresses(source, MASTER)
    return entry
  }
}

interface Source {
  view: DataView
  readonly places: Int32Array
}

/** What is read of a tuple, at these distances from the tuple itself. An address is at the first or at the second. */
const SRC = 1
const DST = 3
const SPORT = 5
const DPORT = 6

function pathsOf<T extends 'CTA_TUPLE_ORIG' | 'CTA_TUPLE_REPLY' | 'CTA_TUPLE_MASTER'>(tuple: T) {
  return [
    tuple,
    `${tuple}.CTA_TUPLE_IP.CTA_IP_V4_SRC`,
    `${tuple}.CTA_TUPLE_IP.CTA_IP_V6_SRC`,
    `${tuple}.CTA_TUPLE_IP.CTA_IP_V4_DST`,
    `${tuple}.CTA_TUPLE_IP.CTA_IP_V6_DST`,
    `${tuple}.CTA_TUPLE_PROTO.CTA_PROTO_SRC_PORT`,
    `${tuple}.CTA_TUPLE_PROTO.CTA_PROTO_DST_PORT`,
  ] as const
}

const PATHS = [
  ...pathsOf('CTA_TUPLE_ORIG'),
  ...pathsOf('CTA_TUPLE_REPLY'),
  ...pathsOf('CTA_TUPLE_MASTER'),
  'CTA_TUPLE_ORIG.CTA_TUPLE_PROTO.CTA_PROTO_NUM',
] as const satisfies readonly PathsOf<(typeof CTA)['spec']>[]

const ORIGINAL = PATHS.indexOf('CTA_TUPLE_ORIG')
const REPLY = PATHS.indexOf('CTA_TUPLE_REPLY')
const MASTER = PATHS.indexOf('CTA_TUPLE_MASTER')
const PROTOCOL = PATHS.indexOf('CTA_TUPLE_ORIG.CTA_TUPLE_PROTO.CTA_PROTO_NUM')

const findPlaces = placeFinder(CTA, PATHS)

/** @param tuple the index of its path */
function tupleOf(source: Source, tuple: number): TupleEnds {
  return {
    get src() {
      return addressAt(source, tuple + SRC)
    },
    get dst() {
      return addressAt(source, tuple + DST)
    },
    get sport() {
      return portAt(source, tuple + SPORT)
    },
    get dport() {
      return portAt(source, tuple + DPORT)
    },
  }
}

function placeOf({ places }: Source, path: number): number {
  return places[2 * path] ?? NOWHERE
}

function lengthOf({ places }: Source, path: number): number {
  return places[2 * path + 1] ?? 0
}

function addressAt(source: Source, first: number): Address {
  const path = placeOf(source, first) === NOWHERE ? first + 1 : first
  const [{ view }, at] = [source, placeOf(source, path)]
  if (lengthOf(source, path) === 4) return ip4(view.getUint32(at))
  return ip6((view.getBigUint64(at) << 64n) | view.getBigUint64(at + 8))
}

/** 0 in protocols without ports. */
function portAt(source: Source, path: number): number {
  const at = placeOf(source, path)
  return at === NOWHERE ? 0 : source.view.getUint16(at)
}

function expectAddresses(source: Source, tuple: number): void {
  expectAddress(source, tuple + SRC, tuple)
  expectAddress(source, tuple + DST, tuple)
}

function expectAddress(source: Source, first: number, tuple: number): void {
  const path = placeOf(source, first) === NOWHERE ? first + 1 : first
  if (placeOf(source, path) === NOWHERE) {
    throw new NetlinkDecodeError(PATHS[tuple] ?? '', 'an address is missing.')
  }
  const bytes = lengthOf(source, path)
  if (bytes !== 4 && bytes !== 16) {
    const problem = `an address of ${bytes} bytes is of no family.`
    throw new NetlinkDecodeError(PATHS[tuple] ?? '', problem)
  }
}
