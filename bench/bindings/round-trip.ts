import { AF_NETLINK, NETLINK_ROUTE, NLM_F_ACK, NLM_F_REQUEST } from '../../src/netlink/constants.ts'
import { NLMSG_NOOP } from '../../src/netlink/constants.ts'
import { nlmsghdr } from '../../src/netlink/headers.ts'
import { openNative } from '../../src/netlink/open.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import type { Koffi } from './koffi.ts'
import { type Summary, summarize } from '../harness/statistics.ts'

export interface RoundTripResult {
  readonly name: string
  /** Nanoseconds of one send, the kernel's work, and one receive. */
  readonly nanoseconds: Summary
}

/**
 * The least that a netlink exchange costs: a message that asks for nothing but its acknowledgement, in rounds
 * of many, the ways taking turns.
 */
export function roundTrips(koffi: Koffi | undefined, rounds: number): RoundTripResult[] {
  const ways = [ownAddon(), ...(koffi === undefined ? [] : [throughKoffi(koffi)])]
  try {
    const samples = ways.map((): number[] => [])
    for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
      for (const [index, { exchange }] of ways.entries()) {
        const startedAtMs = performance.now()
        for (let count = 0; count < EXCHANGES; count++) exchange()
        const nanoseconds = ((performance.now() - startedAtMs) * 1e6) / EXCHANGES
        if (round >= 0) samples[index]?.push(nanoseconds)
      }
    }
    return ways.map(({ name }, index) => ({ name, nanoseconds: summarize(samples[index] ?? []) }))
  } finally {
    for (const { close } of ways) close()
  }
}

const EXCHANGES = 10_000
const WARM_UP_ROUNDS = 3

interface Way {
  readonly name: string
  readonly exchange: () => void
  readonly close: () => void
}

/** struct nlmsghdr alone: the kernel acknowledges a control message before it looks at anything else. */
const MESSAGE = encodeStruct(nlmsghdr, {
  nlmsg_len: nlmsghdr.bytes,
  nlmsg_type: NLMSG_NOOP,
  nlmsg_flags: NLM_F_REQUEST | NLM_F_ACK,
})

/** struct nlmsghdr, the error number, and the header of the request. */
const ACKNOWLEDGEMENT_BYTES = 36

function ownAddon(): Way {
  const socket = openNative(NETLINK_ROUTE, {}, [])
  const buffer = new Uint8Array(4096)
  return {
    name: 'our addon',
    exchange: () => {
      socket.send(MESSAGE)
      mustBeAcknowledgement(socket.receive(buffer))
    },
    close: () => socket.close(),
  }
}

function throughKoffi(koffi: Koffi): Way {
  const libc = koffi.load('libc.so.6')
  const send = libc.func('long send(int fd, const void *data, size_t length, int flags)')
  const receive = libc.func('long recv(int fd, void *buffer, size_t length, int flags)')
  const close = libc.func('int close(int fd)')
  const fd = libc.func('int socket(int domain, int type, int protocol)')(
    AF_NETLINK,
    SOCK_RAW,
    NETLINK_ROUTE,
  )
  const buffer = new Uint8Array(4096)
  return {
    name: 'koffi',
    exchange: () => {
      send(fd, MESSAGE, MESSAGE.length, 0)
      mustBeAcknowledgement(receive(fd, buffer, buffer.length, 0))
    },
    close: () => void close(fd),
  }
}

/** asm-generic/socket.h */
const SOCK_RAW = 3

function mustBeAcknowledgement(length: unknown): void {
  if (length === ACKNOWLEDGEMENT_BYTES) return
  throw new Error(`The kernel answered with ${String(length)} bytes instead of an acknowledgement.`)
}
