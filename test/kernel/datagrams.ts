import { type NativeSocket, openSocket } from '../../src/netlink/native.ts'
import type { Address } from '../../src/policy/address.ts'

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2
/** IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO (linux/in.h) and the like for IPv6 (linux/in6.h). */
const IP_WHOLE = [0, 10, 2] as const
const IPV6_WHOLE = [41, 23, 2] as const

export interface Port {
  readonly address: Address
  readonly port: number
}

/** A UDP socket in a namespace of our choice. */
export interface Datagrams {
  readonly port: number
  /** @param payload or how many bytes of it */
  send(to: Port, payload?: number | Uint8Array): void
  /** As fast as the kernel takes them. @param bytes of payload */
  sendMany(to: Port, count: number, bytes?: number): void
  /** How many have come since the last time that this was asked. */
  arrived(): number
  close(): void
}

/** @param wholeOnly sends no fragments, nor lets routers make any: what is too large throws EMSGSIZE */
export function openDatagrams(netns: string, own: Port, wholeOnly: boolean = false): Datagrams {
  const domain = typeof own.address === 'number' ? AF_INET : AF_INET6
  const options = wholeOnly ? [domain === AF_INET ? IP_WHOLE : IPV6_WHOLE] : []
  const bind = sockaddr(own)
  const socket = openSocket({ domain, type: SOCK_DGRAM, protocol: 0, netns, bind, options })
  return {
    port: own.port,
    send: (to, payload = 8) =>
      sendOrRefused(
        socket,
        sockaddr(to),
        typeof payload === 'number' ? Buffer.alloc(payload) : payload,
      ),
    sendMany: (to, count, bytes = 8) =>
      void socket.sendMany(Buffer.alloc(bytes), sockaddr(to), count),
    arrived: () => drain(socket),
    close: () => socket.close(),
  }
}

/** An earlier packet's ICMP error is told with the next call; it says nothing about this packet. */
function sendOrRefused(socket: NativeSocket, to: Uint8Array, payload: Uint8Array): void {
  try {
    socket.send(payload, to)
  } catch {
    socket.send(payload, to)
  }
}

function drain(socket: NativeSocket): number {
  let count = 0
  for (const buffer = Buffer.alloc(2048); socket.receive(buffer) >= 0; ) count++
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
