import { isIPv6 } from 'node:net'
import { openSocket, type NativeSocket } from '../netlink/native.ts'
import { parseAddress } from '../policy/address.ts'

/** A raw IP socket: whole packets of one protocol, without their IPv4 header. */
export interface RawSocket {
  send(packet: Uint8Array, to: string): void
  onPacket(listener: (packet: Uint8Array) => void): void
  close(): void
}

/**
 * Opens a raw socket (raw(7), ipv6(7)) bound to an address in the network namespace of this thread.
 * `protocol` is an IP protocol number. Throws the system's error for an address that is not its own.
 */
export function openRawSocket(protocol: number, address: string): RawSocket {
  const domain = isIPv6(address) ? AF_INET6 : AF_INET
  const socket = openSocket({ domain, type: SOCK_RAW, protocol, bind: sockaddr(address) })
  return {
    send: (packet, to) => socket.send(packet, sockaddr(to)),
    onPacket: (listener) => {
      socket.onReadable(() => {
        for (const packet of waiting(socket)) {
          listener(domain === AF_INET ? packet.subarray(headerLength(packet)) : packet)
        }
      })
    },
    close: () => socket.close(),
  }
}

const AF_INET = 2
const AF_INET6 = 10
const SOCK_RAW = 3

/** struct sockaddr_in or sockaddr_in6 (linux/in.h, linux/in6.h); raw sockets want port 0. */
export function sockaddr(text: string): Uint8Array {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is not an IP address.`)
  const bytes = Buffer.alloc(typeof address === 'number' ? 16 : 28)
  if (typeof address === 'number') {
    bytes.writeUInt16LE(AF_INET, 0)
    bytes.writeUInt32BE(address, 4)
    return bytes
  }
  bytes.writeUInt16LE(AF_INET6, 0)
  bytes.set(addressBytes(text), 8)
  return bytes
}

/** An address in network byte order: 4 or 16 bytes. */
export function addressBytes(text: string): Uint8Array {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is not an IP address.`)
  const width = typeof address === 'number' ? 4 : 16
  return Buffer.from(address.toString(16).padStart(width * 2, '0'), 'hex')
}

/** Larger than any packet that a probe makes; what does not fit is not for us. */
const PACKET_BYTES = 2048

function* waiting(socket: NativeSocket): Generator<Uint8Array> {
  for (;;) {
    const buffer = Buffer.alloc(PACKET_BYTES)
    const length = socket.receive(buffer)
    if (length < 0) return
    yield buffer.subarray(0, length)
  }
}

function headerLength(packet: Uint8Array): number {
  return ((packet[0] ?? 0) & 0x0f) * 4
}
