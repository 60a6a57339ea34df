import { type Address, ip4, ip6 } from '../policy/address.ts'

/** What the head of an IP packet says of the flow that it belongs to. */
export interface Packet {
  readonly source: Address
  readonly destination: Address
  /** IPPROTO_*, such as 6 for TCP; in IPv6 that of the last header that could be read. */
  readonly protocol: number
  /** Undefined in protocols without ports, and in all fragments but the first. */
  readonly sourcePort: number | undefined
  readonly destinationPort: number | undefined
}

/** A packet whose head cannot be read. */
export class PacketError extends Error {
  override readonly name = 'PacketError'
}

/**
 * Reads the head of an IPv4 (RFC 791) or IPv6 (RFC 8200) packet; what follows the ports may be cut off.
 *
 * @throws {PacketError} with a phrase that says what is wrong
 */
export function decodePacket(bytes: Uint8Array): Packet {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const version = at(view, 0, 1).getUint8(0) >> 4
  if (version === 4) return decodeIpv4(view)
  if (version === 6) return decodeIpv6(view)
  throw new PacketError(`IP version ${version} is neither 4 nor 6`)
}

function decodeIpv4(view: DataView): Packet {
  const header = at(view, 0, 20)
  const headerBytes = (header.getUint8(0) & 0xf) * 4
  if (headerBytes < 20) throw new PacketError(`an IPv4 header of ${headerBytes} bytes`)
  const protocol = header.getUint8(9)
  const fragmentOffset = header.getUint16(6) & 0x1fff
  return {
    source: ip4(header.getUint32(12)),
    destination: ip4(header.getUint32(16)),
    protocol,
    ...portsAt(view, headerBytes, protocol, fragmentOffset === 0),
  }
}

const IPV6_HEADER_BYTES = 40

function decodeIpv6(view: DataView): Packet {
  const header = at(view, 0, IPV6_HEADER_BYTES)
  const upper = upperLayer(view, header.getUint8(6))
  return {
    source: address6(header, 8),
    destination: address6(header, 24),
    protocol: upper.protocol,
    ...portsAt(view, upper.offset, upper.protocol, upper.hasPorts),
  }
}

/** Headers between IPv6 and what it carries (RFC 8200, section 4), by the unit that their length counts in. */
const EXTENSION_HEADERS: ReadonlyMap<number, { readonly unitBytes: number }> = new Map([
  [0, { unitBytes: 8 }],
  [43, { unitBytes: 8 }],
  [60, { unitBytes: 8 }],
  // The authentication header counts in words, and two fewer (RFC 4302, section 2.2).
  [51, { unitBytes: 4 }],
])
const FRAGMENT_HEADER = 44

function upperLayer(
  view: DataView,
  first: number,
): { protocol: number; offset: number; hasPorts: boolean } {
  let protocol = first
  let offset = IPV6_HEADER_BYTES
  let hasPorts = true
  // Each round moves on by 8 bytes at least, so that the packet ends it.
  while (offset + 8 <= view.byteLength) {
    const extension = EXTENSION_HEADERS.get(protocol)
    if (extension !== undefined) {
      const { unitBytes } = extension
      const length = view.getUint8(offset + 1)
      protocol = view.getUint8(offset)
      offset += unitBytes === 4 ? (length + 2) * 4 : (length + 1) * 8
    } else if (protocol === FRAGMENT_HEADER) {
      hasPorts &&= (view.getUint16(offset + 2) & 0xfff8) === 0
      protocol = view.getUint8(offset)
      offset += 8
    } else break
  }
  return { protocol, offset, hasPorts }
}

/** TCP, UDP, DCCP, SCTP and UDP-Lite begin with both ports. */
const WITH_PORTS: ReadonlySet<number> = new Set([6, 17, 33, 132, 136])

function portsAt(
  view: DataView,
  offset: number,
  protocol: number,
  isFirstFragment: boolean,
): Pick<Packet, 'sourcePort' | 'destinationPort'> {
  if (!isFirstFragment || !WITH_PORTS.has(protocol) || offset + 4 > view.byteLength) {
    return { sourcePort: undefined, destinationPort: undefined }
  }
  return { sourcePort: view.getUint16(offset), destinationPort: view.getUint16(offset + 2) }
}

function address6(view: DataView, offset: number): Address {
  return ip6((view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8))
}

function at(view: DataView, offset: number, bytes: number): DataView {
  if (view.byteLength >= offset + bytes) return view
  throw new PacketError(`it ends after ${view.byteLength} bytes`)
}
