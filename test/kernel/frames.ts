import { type NativeSocket, openSocket } from '../../src/netlink/native.ts'
import { type Address, familyOf } from '../../src/policy/address.ts'
import { linkIn } from './node-kernel.ts'

const AF_PACKET = 17
const SOCK_RAW = 3
/** ETH_P_ALL in network byte order, as packet(7) wants it. */
const ALL_PROTOCOLS = 0x0300
const ETHERNET_BYTES = 14
/** The node's end of every pod's link. */
export const HOST_MAC = 'ee:ee:ee:ee:ee:ee'

export const IPPROTO_ICMP = 1
export const IPPROTO_TCP = 6
export const IPPROTO_UDP = 17
export const IPPROTO_ICMPV6 = 58

/** Sees every packet that a namespace gets or sends from now on. */
export function watchFrames(netns: string): {
  /** Those that came since the last time that this was asked, without Ethernet header. */
  packets: () => Buffer[]
  close: () => void
} {
  const options = { netns, receiveBufferBytes: 8 << 20 }
  const socket = openSocket({
    domain: AF_PACKET,
    type: SOCK_RAW,
    protocol: ALL_PROTOCOLS,
    ...options,
  })
  return { packets: () => [...waiting(socket)], close: () => socket.close() }
}

function* waiting(socket: NativeSocket): Generator<Buffer> {
  for (;;) {
    const buffer = Buffer.alloc(2048)
    const length = socket.receive(buffer)
    if (length < 0) return
    yield buffer.subarray(ETHERNET_BYTES, length)
  }
}

/** Writes whole frames to a link, past every check that the sending kernel makes. */
export interface Wire {
  readonly mac: Buffer
  /** An IP packet. */
  send(packet: Buffer): void
  sendArp(packet: Buffer): void
  close(): void
}

export function openWire(netns: string, link: string, destinationMac: string): Wire {
  const { index, mac } = linkIn(netns, link)
  const socket = openSocket({ domain: AF_PACKET, type: SOCK_RAW, protocol: 0, netns })
  const [from, to] = [macBytes(mac), macBytes(destinationMac)]
  return {
    send: (packet) => {
      const etherType = packet.readUInt8(0) >> 4 === 4 ? 0x0800 : 0x86dd
      socket.send(frame(to, from, etherType, packet), linkAddress(index))
    },
    sendArp: (packet) => {
      socket.send(frame(BROADCAST, from, 0x0806, packet), linkAddress(index))
    },
    mac: from,
    close: () => socket.close(),
  }
}

const BROADCAST = Buffer.alloc(6, 0xff)

function frame(to: Buffer, from: Buffer, etherType: number, packet: Buffer): Buffer {
  const type = Buffer.alloc(2)
  type.writeUInt16BE(etherType)
  return Buffer.concat([to, from, type, packet])
}

/** struct sockaddr_ll (linux/if_packet.h). */
function linkAddress(index: number): Buffer {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt16LE(AF_PACKET, 0)
  bytes.writeInt32LE(index, 4)
  return bytes
}

function macBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

export interface PacketEnds {
  readonly from: Address
  readonly to: Address
}

export function udpPacket(ends: PacketEnds, sport: number, dport: number): Buffer {
  const segment = Buffer.alloc(12)
  segment.writeUInt16BE(sport, 0)
  segment.writeUInt16BE(dport, 2)
  segment.writeUInt16BE(segment.length, 4)
  return ipPacket(ends, IPPROTO_UDP, withChecksum(ends, IPPROTO_UDP, segment, 6))
}

/** Without options. */
export function tcpPacket(
  ends: PacketEnds,
  sport: number,
  dport: number,
  flags: number,
  sequence = 0,
): Buffer {
  const segment = Buffer.alloc(20)
  segment.writeUInt16BE(sport, 0)
  segment.writeUInt16BE(dport, 2)
  segment.writeUInt32BE(sequence, 4)
  segment.writeUInt8(5 << 4, 12)
  segment.writeUInt8(flags, 13)
  segment.writeUInt16BE(1024, 14)
  return ipPacket(ends, IPPROTO_TCP, withChecksum(ends, IPPROTO_TCP, segment, 16))
}

export function icmp6Packet(
  ends: PacketEnds,
  type: number,
  body: Buffer = Buffer.alloc(4),
  hopLimit = 255,
): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0]), body])
  return ipPacket(ends, IPPROTO_ICMPV6, withChecksum(ends, IPPROTO_ICMPV6, message, 2), hopLimit)
}

/** An echo reply (RFC 792; RFC 4443, section 4.2). */
export function echoReply(ends: PacketEnds): Buffer {
  if (familyOf(ends.from) === 6) return icmp6Packet(ends, 129, Buffer.alloc(4), 64)
  const message = Buffer.alloc(8)
  message.writeUInt16BE(internetChecksum(message), 2)
  return ipPacket(ends, IPPROTO_ICMP, message)
}

/** An ARP request (RFC 826). */
export function arpRequest(senderMac: Buffer, sender: Address, target: Address): Buffer {
  return Buffer.concat([
    Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]),
    senderMac,
    addressBytes(sender),
    Buffer.alloc(6),
    addressBytes(target),
  ])
}

/** IP protocol number; of IPv6 that of the first header after the fixed one. */
export function protocolOf(packet: Buffer): number | undefined {
  return packet.readUInt8(0) >> 4 === 4 ? packet[9] : packet[6]
}

/** Flags of a TCP packet; nothing of others. */
export function tcpFlags(packet: Buffer): number[] {
  const version = packet.readUInt8(0) >> 4
  if (version === 4 && packet[9] === IPPROTO_TCP) return [packet.readUInt8(20 + 13)]
  if (version === 6 && packet[6] === IPPROTO_TCP) return [packet.readUInt8(40 + 13)]
  return []
}

/** Type of an ICMP or ICMPv6 packet. */
export function icmpType(packet: Buffer): number | undefined {
  const version = packet.readUInt8(0) >> 4
  if (version === 4 && packet[9] === IPPROTO_ICMP) return packet[20]
  return version === 6 && packet[6] === IPPROTO_ICMPV6 ? packet[40] : undefined
}

function ipPacket(
  { from, to }: PacketEnds,
  protocol: number,
  payload: Buffer,
  hopLimit = 64,
): Buffer {
  const addresses = Buffer.concat([addressBytes(from), addressBytes(to)])
  if (familyOf(from) === 6) {
    const header = Buffer.alloc(8)
    header.writeUInt8(0x60, 0)
    header.writeUInt16BE(payload.length, 4)
    header.writeUInt8(protocol, 6)
    header.writeUInt8(hopLimit, 7)
    return Buffer.concat([header, addresses, payload])
  }
  const header = Buffer.concat([Buffer.alloc(12), addresses])
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(header.length + payload.length, 2)
  header.writeUInt8(hopLimit, 8)
  header.writeUInt8(protocol, 9)
  header.writeUInt16BE(internetChecksum(header), 10)
  return Buffer.concat([header, payload])
}

function withChecksum(
  { from, to }: PacketEnds,
  protocol: number,
  payload: Buffer,
  at: number,
): Buffer {
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32BE(payload.length, 0)
  trailer.writeUInt32BE(protocol, 4)
  const pseudo = Buffer.concat([addressBytes(from), addressBytes(to), trailer])
  payload.writeUInt16BE(internetChecksum(Buffer.concat([pseudo, payload])) || 0xffff, at)
  return payload
}

export function addressBytes(address: Address): Buffer {
  const width = typeof address === 'number' ? 8 : 32
  return Buffer.from(address.toString(16).padStart(width, '0'), 'hex')
}

/** RFC 1071, over an even number of bytes. */
function internetChecksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
