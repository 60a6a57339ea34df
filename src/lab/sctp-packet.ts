export const IPPROTO_SCTP = 132

/** An SCTP packet with one INIT or INIT ACK chunk (RFC 9260, sections 3.1, 3.3.2, 3.3.3). */
export interface SctpPacket {
  readonly sourcePort: number
  readonly destinationPort: number
  /** 0 in an INIT; in an INIT ACK the initiate tag of the INIT. */
  readonly verificationTag: number
  readonly chunk: 'INIT' | 'INIT ACK'
  readonly initiateTag: number
  /**
   * Of an INIT, who asks (as its address, in an unrecognised parameter that receivers skip); of an INIT ACK,
   * who answers (as its state cookie). A raw IPv6 socket does not tell where a packet came from.
   */
  readonly note: string
}

const CHUNKS = {
  INIT: { type: 1, parameter: 0x8001 },
  // 7 is the state cookie.
  'INIT ACK': { type: 2, parameter: 7 },
} as const

const COMMON_HEADER = 12
const FIXED_PART = 20
const PARAMETER_HEADER = 4

export function encodeSctp(packet: SctpPacket): Buffer {
  const { type, parameter } = CHUNKS[packet.chunk]
  const note = Buffer.from(packet.note)
  const parameterBytes = PARAMETER_HEADER + note.length
  const bytes = Buffer.alloc(padded(COMMON_HEADER + FIXED_PART + parameterBytes))
  bytes.writeUInt16BE(packet.sourcePort, 0)
  bytes.writeUInt16BE(packet.destinationPort, 2)
  bytes.writeUInt32BE(packet.verificationTag, 4)
  bytes.writeUInt8(type, 12)
  bytes.writeUInt16BE(FIXED_PART + parameterBytes, 14)
  bytes.writeUInt32BE(packet.initiateTag, 16)
  bytes.writeUInt32BE(RECEIVE_WINDOW, 20)
  bytes.writeUInt16BE(1, 24)
  bytes.writeUInt16BE(1, 26)
  bytes.writeUInt32BE(packet.initiateTag, 28)
  bytes.writeUInt16BE(parameter, 32)
  bytes.writeUInt16BE(parameterBytes, 34)
  bytes.set(note, 36)
  // Connection tracking drops packets with a wrong one.
  bytes.writeUInt32LE(crc32c(bytes), 8)
  return bytes
}

/** The least that RFC 9260 lets an endpoint offer. */
const RECEIVE_WINDOW = 1500

/** `undefined` for anything but what `encodeSctp` makes. */
export function decodeSctp(bytes: Uint8Array): SctpPacket | undefined {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (at.length < COMMON_HEADER + FIXED_PART + PARAMETER_HEADER) return undefined
  const chunk = at.readUInt8(12) === CHUNKS.INIT.type ? 'INIT' : 'INIT ACK'
  const { type, parameter } = CHUNKS[chunk]
  const parameterBytes = at.readUInt16BE(34)
  const known = at.readUInt8(12) === type && at.readUInt16BE(32) === parameter
  if (!known || parameterBytes < PARAMETER_HEADER || 32 + parameterBytes > at.length)
    return undefined
  return {
    sourcePort: at.readUInt16BE(0),
    destinationPort: at.readUInt16BE(2),
    verificationTag: at.readUInt32BE(4),
    chunk,
    initiateTag: at.readUInt32BE(16),
    note: at.toString('utf8', 36, 32 + parameterBytes),
  }
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

/** The CRC of RFC 9260, appendix A: reflected polynomial 0x82f63b78, stored low byte first. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0)
  }
  return ~crc >>> 0
}
