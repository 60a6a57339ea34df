import { isIPv6 } from 'node:net'
import { randomInt } from 'node:crypto'
import type { Knock, Outcome } from './place-messages.ts'
import { exchange } from './raw-exchange.ts'

/** Echo request and reply (RFC 792; RFC 4443, section 4). The kernel of the other end answers. */
export function knockIcmp(knock: Knock): Promise<Outcome> {
  const kind = isIPv6(knock.to) ? ICMPV6 : ICMP
  // The identifier keeps concurrent probes apart, also for connection tracking.
  const identifier = randomInt(0x10000)
  const token = randomInt(2 ** 32)
  const packet = echo(kind.request, identifier, token)
  if (kind === ICMP) packet.writeUInt16BE(internetChecksum(packet), 2)
  return exchange(knock, {
    protocol: kind.protocol,
    packet,
    answeredBy: (received) => {
      const expected = echo(kind.reply, identifier, token)
      return sameButChecksum(received, expected) ? knock.to : undefined
    },
  })
}

const ICMP = { protocol: 1, request: 8, reply: 0 }
/** The kernel fills in the checksum of ICMPv6 (RFC 3542, section 3.1). */
const ICMPV6 = { protocol: 58, request: 128, reply: 129 }

function echo(type: number, identifier: number, token: number): Buffer {
  const packet = Buffer.alloc(12)
  packet.writeUInt8(type, 0)
  packet.writeUInt16BE(identifier, 4)
  packet.writeUInt16BE(1, 6)
  packet.writeUInt32BE(token, 8)
  return packet
}

function sameButChecksum(received: Uint8Array, expected: Buffer): boolean {
  const at = Buffer.from(received)
  if (at.length !== expected.length) return false
  at.writeUInt16BE(0, 2)
  return at.equals(expected)
}

/** RFC 1071, over an even number of bytes. */
export function internetChecksum(packet: Buffer): number {
  let sum = 0
  for (let at = 0; at < packet.length; at += 2) sum += packet.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
