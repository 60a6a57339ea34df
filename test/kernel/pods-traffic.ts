import { type NativeSocket, openSocket } from '../../src/netlink/native.ts'
import type { Address } from '../../src/policy/address.ts'

const AF_INET = 2
const AF_INET6 = 10
const AF_PACKET = 17
const SOCK_DGRAM = 2
const SOCK_RAW = 3
/** ETH_P_ALL in network byte order, as packet(7) wants it. */
const ALL_PROTOCOLS = 0x0300

export interface End {
  /** Path of a network namespace. */
  readonly netns: string
  readonly address: Address
  readonly port: number
}

/** Sends a datagram from one end to the other and one back; rejects when either does not arrive in time. */
export async function exchange(client: End, server: End): Promise<void> {
  const [from, to] = [open(client), open(server)]
  try {
    const asked = arrival(to)
    from.send(Buffer.from('ping'), sockaddr(server))
    await asked
    const answered = arrival(from)
    to.send(Buffer.from('pong'), sockaddr(client))
    await answered
  } finally {
    from.close()
    to.close()
  }
}

function open(end: End): NativeSocket {
  const domain = typeof end.address === 'number' ? AF_INET : AF_INET6
  return openSocket({
    domain,
    type: SOCK_DGRAM,
    protocol: 0,
    netns: end.netns,
    bind: sockaddr(end),
  })
}

function arrival(socket: NativeSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no datagram came within 3 s')), 3_000)
    socket.onReadable(() => {
      if (socket.receive(Buffer.alloc(64)) < 0) return
      clearTimeout(timer)
      resolve()
    })
  })
}

/** struct sockaddr_in or sockaddr_in6. */
function sockaddr({ address, port }: Omit<End, 'netns'>): Uint8Array {
  const bytes = Buffer.alloc(typeof address === 'number' ? 16 : 28)
  bytes.writeUInt16LE(typeof address === 'number' ? AF_INET : AF_INET6, 0)
  bytes.writeUInt16BE(port, 2)
  if (typeof address === 'number') bytes.writeUInt32BE(address, 4)
  else {
    bytes.writeBigUInt64BE(address >> 64n, 8)
    bytes.writeBigUInt64BE(address & 0xffff_ffff_ffff_ffffn, 16)
  }
  return bytes
}

/** Sees every frame of a namespace from now on; `stop` tells which of them asked for or gave a MAC address. */
export function watchResolution(netns: string): { stop: () => string[] } {
  const socket = openSocket({
    domain: AF_PACKET,
    type: SOCK_RAW,
    protocol: ALL_PROTOCOLS,
    netns,
    receiveBufferBytes: 1 << 20,
  })
  return {
    stop: () => {
      const found: string[] = []
      const frame = Buffer.alloc(65_536)
      for (let length = socket.receive(frame); length >= 0; length = socket.receive(frame)) {
        const kind = resolutionIn(frame.subarray(0, length))
        if (kind !== undefined) found.push(kind)
      }
      socket.close()
      return found
    },
  }
}

function resolutionIn(frame: Buffer): string | undefined {
  const etherType = frame.readUInt16BE(12)
  if (etherType === 0x0806) return 'ARP'
  // IPv6 with ICMPv6 next: neighbour solicitation and advertisement (RFC 4861).
  const isNeighbour =
    etherType === 0x86dd && frame[20] === 58 && (frame[54] === 135 || frame[54] === 136)
  return isNeighbour ? 'neighbour discovery' : undefined
}
