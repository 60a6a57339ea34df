import { addressToBytes } from '../../src/netlink/address-bytes.ts'
import { macToBytes } from '../../src/netlink/mac.ts'
import type { Address } from '../../src/policy/address.ts'
import type { Protocol } from '../../src/policy/model.ts'

/** A packet that opens something: a TCP SYN, a UDP datagram, an SCTP INIT, an ICMP echo request. */
export interface Packet {
  readonly from: Address
  readonly to: Address
  readonly protocol: Protocol | 'ICMP'
  /** The destination's. */
  readonly port?: number
}

const ETHERNET_BYTES = 14
const SOURCE_PORT = 40000
/** Tells our frames from what the kernel sends by itself. */
const MARK = 0x51_0c_e1_55

/** An Ethernet frame that carries the packet and, behind its headers, a number to know it by. */
export function writeFrame(packet: Packet, tag: number, destinationMac: string): Uint8Array {
  const transport = transportOf(packet, tag)
  const isIp4 = typeof packet.from === 'number'
  const network = isIp4 ? ipv4Header(packet, transport) : ipv6Header(packet, transport)
  const frame = new Uint8Array(ETHERNET_BYTES + network.length + transport.length)
  frame.set(macToBytes(destinationMac))
  frame.set(macToBytes('02:00:00:00:00:02'), 6)
  new DataView(frame.buffer).setUint16(12, isIp4 ? 0x0800 : 0x86dd)
  frame.set(network, ETHERNET_BYTES)
  frame.set(transport, ETHERNET_BYTES + network.length)
  return frame
}

/** The number of one of our frames; undefined for any other. */
export function readTag(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 8 || view.getUint32(frame.length - 8) !== MARK) return undefined
  return view.getUint32(frame.length - 4)
}

const PROTOCOLS = { TCP: 6, UDP: 17, SCTP: 132, ICMP: 1 } as const
const ICMPV6 = 58
/** A TOS field for which the kernel sets a priority, 6, when it forwards the packet (`ip_tos2prio`). */
const LOW_DELAY = 0x10

/** The checksums of these are nobody's concern on the way. */
function transportOf({ protocol, port = 0, from }: Packet, tag: number): Uint8Array {
  const headerBytes = { TCP: 20, UDP: 8, SCTP: 32, ICMP: 8 }[protocol]
  const bytes = new Uint8Array(headerBytes + 8)
  const view = new DataView(bytes.buffer)
  if (protocol === 'ICMP') {
    bytes[0] = typeof from === 'number' ? 8 : 128
  } else {
    view.setUint16(0, SOURCE_PORT)
    view.setUint16(2, port)
  }
  if (protocol === 'TCP') {
    bytes[12] = 5 << 4
    bytes[13] = 0x02
  }
  if (protocol === 'UDP') view.setUint16(4, bytes.length)
  if (protocol === 'SCTP') {
    bytes[12] = 1
    view.setUint16(14, 20)
  }
  view.setUint32(headerBytes, MARK)
  view.setUint32(headerBytes + 4, tag)
  return bytes
}

function ipv4Header({ from, to, protocol }: Packet, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x45
  bytes[1] = LOW_DELAY
  view.setUint16(2, bytes.length + payload.length)
  bytes[8] = 64
  bytes[9] = PROTOCOLS[protocol]
  bytes.set(addressToBytes(from), 12)
  bytes.set(addressToBytes(to), 16)
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += view.getUint16(at)
  sum = (sum & 0xffff) + (sum >>> 16)
  view.setUint16(10, ~(sum + (sum >>> 16)) & 0xffff)
  return bytes
}

function ipv6Header({ from, to, protocol }: Packet, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40)
  bytes[0] = 0x60
  new DataView(bytes.buffer).setUint16(4, payload.length)
  bytes[6] = protocol === 'ICMP' ? ICMPV6 : PROTOCOLS[protocol]
  bytes[7] = 64
  bytes.set(addressToBytes(from), 8)
  bytes.set(addressToBytes(to), 24)
  return bytes
}
