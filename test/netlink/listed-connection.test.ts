import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CTA } from '../../src/netlink/conntrack-table.ts'
import { readConnection } from '../../src/netlink/conntrack.ts'
import { encode } from '../../src/netlink/encode.ts'
import { NetlinkDecodeError } from '../../src/netlink/errors.ts'
import {
  type ConnectionEnds,
  connectionReader,
  type TupleEnds,
} from '../../src/netlink/listed-connection.ts'
import type { Reply } from '../../src/netlink/message.ts'
import { parseAddress } from '../../src/policy/address.ts'
import { check } from '../policy/property.ts'
import { bytes } from './bytes.ts'

const UDP = 17

const port = fc.integer({ min: 0, max: 0xffff })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const ip = fc.oneof(
  fc.record({ CTA_IP_V4_SRC: binary(4), CTA_IP_V4_DST: binary(4) }),
  fc.record({ CTA_IP_V6_SRC: binary(16), CTA_IP_V6_DST: binary(16) }),
)
const protocol = { CTA_PROTO_NUM: fc.constantFrom(1, 6, UDP, 47, 58, 132) }
const tuple = fc.record({
  CTA_TUPLE_IP: ip,
  CTA_TUPLE_PROTO: fc.oneof(
    fc.record({ ...protocol, CTA_PROTO_SRC_PORT: port, CTA_PROTO_DST_PORT: port }),
    fc.record({ ...protocol, CTA_PROTO_ICMP_TYPE: fc.constantFrom(0, 8) }),
  ),
})
/** As the kernel lists them. */
const listed = fc
  .record(
    {
      CTA_TUPLE_ORIG: tuple,
      CTA_TUPLE_REPLY: tuple,
      CTA_STATUS: u32,
      CTA_PROTOINFO: fc.constant({ CTA_PROTOINFO_TCP: { CTA_PROTOINFO_TCP_STATE: 3 } }),
      CTA_MARK: u32,
      CTA_ID: u32,
      CTA_TUPLE_MASTER: tuple,
      CTA_ZONE: port,
    },
    { requiredKeys: ['CTA_TUPLE_ORIG', 'CTA_TUPLE_REPLY'] },
  )
  .map((values) => message(encode(CTA, values)))

describe('an entry of a listing', () => {
  test('tells its ends, and all of itself when it is asked', () => {
    const values = {
      CTA_TUPLE_ORIG: udp('0a000001', '0a600001', 4000, 53),
      CTA_TUPLE_REPLY: udp('0a000002', '0a000001', 5353, 4000),
      CTA_ID: 77,
    }
    const entry = connectionReader()(message(encode(CTA, values)))
    const [client, service, server] = ['10.0.0.1', '10.96.0.1', '10.0.0.2'].map(parseAddress)
    expect(endsOf(entry)).toEqual({
      protocol: UDP,
      original: { src: client, dst: service, sport: 4000, dport: 53 },
      reply: { src: server, dst: client, sport: 5353, dport: 4000 },
    })
    expect(entry.isExpected).toBe(false)
    expect(entry.decode()).toMatchObject({ family: 4, id: 77, master: undefined })
  })

  test('is what the decoder of everything makes of it', () => {
    const seen = new Set<unknown>()
    check(
      'listed entries',
      500,
      fc.property(listed, (reply) => {
        const found = outcome(reply)
        expect(found).toEqual(expected(reply))
        seen.add(found.isExpected)
      }),
    )
    expect(seen).toEqual(new Set([true, false]))
  })

  test('is refused, where it is damaged, as the decoder of everything refuses it', () => {
    let refused = 0
    check(
      'damaged entries',
      2000,
      fc.property(listed, fc.nat(), fc.nat(255), fc.boolean(), (reply, at, byte, isCut) => {
        const place = at % reply.payload.length
        const payload = reply.payload.slice(0, isCut ? place : undefined)
        if (!isCut) payload[place] = byte
        const damaged = { ...reply, payload }
        const found = outcome(damaged)
        expect(found).toEqual(expected(damaged))
        if ('refused' in found) refused += 1
      }),
    )
    expect(refused).toBeGreaterThan(200)
  })

  test('may have attributes twice, of any length, and in any order', () => {
    const seen = { understood: 0, refused: 0 }
    check(
      'attributes at random',
      2000,
      fc.property(attributesAtRandom(), (content) => {
        const reply = message(content)
        const found = outcome(reply)
        expect(found).toEqual(expected(reply))
        seen['refused' in found ? 'refused' : 'understood'] += 1
      }),
    )
    expect(Math.min(seen.understood, seen.refused)).toBeGreaterThan(100)
  })
})

/** Tuples whose addresses may be missing, there twice or of a wrong length, and others in between. */
function attributesAtRandom(): fc.Arbitrary<Uint8Array> {
  const length = fc.oneof(
    { weight: 19, arbitrary: fc.constantFrom(4, 16) },
    { weight: 1, arbitrary: fc.nat(17) },
  )
  const address = fc
    .tuple(fc.constantFrom(1, 2, 3, 4), length, fc.nat(255))
    .map(([number, size, byte]) => attribute(number, new Uint8Array(size).fill(byte)))
  const addresses = fc
    .array(address, { minLength: 3, maxLength: 6 })
    .map((all) => attribute(CTA_TUPLE_IP, ...all))
  const ports = port.map((number) =>
    attribute(CTA_TUPLE_PROTO, attribute(1, Uint8Array.of(UDP)), attribute(2, be16(number))),
  )
  const tuples = fc
    .tuple(
      fc.constantFrom(1, 2, 1, 2, 14),
      fc.array(fc.oneof(addresses, ports), { minLength: 1, maxLength: 4 }),
    )
    .map(([number, parts]) => attribute(number, ...parts))
  const other = fc
    .tuple(fc.integer({ min: 3, max: 30 }), fc.constantFrom(2, 4, 4, 4))
    .map(([number, size]) => attribute(number, new Uint8Array(size)))
  const any = fc.oneof({ weight: 9, arbitrary: tuples }, { weight: 1, arbitrary: other })
  return fc.array(any, { minLength: 3, maxLength: 7 }).map((all) => Buffer.concat(all))
}

/** linux/netfilter/nfnetlink_conntrack.h */
const CTA_TUPLE_IP = 1
const CTA_TUPLE_PROTO = 2

function attribute(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const padded = Buffer.alloc(4 + ((content.length + 3) & ~3))
  padded.writeUInt16LE(4 + content.length, 0)
  padded.writeUInt16LE(number, 2)
  content.copy(padded, 4)
  return padded
}

function be16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff)
}

function binary(length: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ minLength: length, maxLength: length })
}

function udp(src: string, dst: string, sport: number, dport: number) {
  return {
    CTA_TUPLE_IP: { CTA_IP_V4_SRC: bytes(src), CTA_IP_V4_DST: bytes(dst) },
    CTA_TUPLE_PROTO: { CTA_PROTO_NUM: UDP, CTA_PROTO_SRC_PORT: sport, CTA_PROTO_DST_PORT: dport },
  }
}

function message(content: Uint8Array): Reply {
  const payload = new Uint8Array(Buffer.concat([bytes('02 00 00 00'), content]))
  return { type: 0x100, flags: 0, sequence: 1, portId: 1, payload }
}

const read = connectionReader()

function outcome(reply: Reply) {
  return orRefusal(() => {
    const entry = read(reply)
    return { ...endsOf(entry), isExpected: entry.isExpected }
  })
}

function expected(reply: Reply) {
  return orRefusal(() => {
    const connection = readConnection(reply)
    return { ...endsOf(connection), isExpected: connection.master !== undefined }
  })
}

type Outcome = (ConnectionEnds & { isExpected: boolean }) | { refused: string; isExpected?: never }

/** What it says, or the attribute that could not be read. */
function orRefusal(run: () => ConnectionEnds & { isExpected: boolean }): Outcome {
  try {
    return run()
  } catch (error) {
    if (error instanceof NetlinkDecodeError) return { refused: error.attribute }
    throw error
  }
}

function endsOf({ protocol, original, reply }: ConnectionEnds): ConnectionEnds {
  const ends = ({ src, dst, sport, dport }: TupleEnds): TupleEnds => ({ src, dst, sport, dport })
  return { protocol, original: ends(original), reply: ends(reply) }
}
