import { type NativeSocket, openSocket } from '../../src/netlink/native.ts'
import type { Address } from '../../src/policy/address.ts'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2

export interface Port {
  readonly address: Address
  readonly port: number
}

/** A UDP socket in a namespace of our choice. */
export interface Datagrams {
  readonly port: number
  /** @param bytes of payload */
  send(to: Port, bytes?: number): void
  /** As fast as the kernel takes them. */
  sendMany(to: Port, count: number): void
  /** How many have come since the last time that this was asked. */
  arrived(): number
  close(): void
}

export function openDatagrams(netns: string, own: Port): Datagrams {
  const domain = typeof own.address === 'number' ? AF_INET : AF_INET6
  const socket = openSocket({ domain, type: SOCK_DGRAM, protocol: 0, netns, bind: sockaddr(own) })
  return {
    port: own.port,
    send: (to, bytes = 8) => sendOrRefused(socket, sockaddr(to), bytes),
    sendMany: (to, count) => void socket.sendMany(Buffer.alloc(8), sockaddr(to), count),
    arrived: () => drain(socket),
    close: () => socket.close(),
  }
}

/** An earlier packet's ICMP error is told with the next call; it says nothing about this packet. */
function sendOrRefused(socket: NativeSocket, to: Uint8Array, bytes: number): void {
  const payload = Buffer.alloc(bytes)
  try {
    socket.send(payload, to)
  } catch {
    socket.send(payload, to)
  }
}

function drain(socket: NativeSocket): number {
  let count = 0
  for (const buffer = Buffer.alloc(64); socket.receive(buffer) >= 0; ) count++
  return count
}

/** struct sockaddr_in or sockaddr_in6 (linux/in.h, linux/in6.h). */
function sockaddr({ address, port }: Port): Uint8Array {
  const bytes = Buffer.alloc(typeof address === 'number' ? 16 : 28)
  bytes.writeUInt16LE(typeof address === 'number' ? AF_INET : AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  if (typeof address === 'number') bytes.writeUInt32BE(address, 4)
  else bytes.set(Buffer.from(address.toString(16).padStart(32, '0'), 'hex'), 8)
  return bytes
}
