import { AF_NETLINK } from './constants.ts'
import { sockaddr_nl } from './headers.ts'
import { openSocket } from './native.ts'
import type { NativeSocket } from './native.ts'
import { encodeStruct } from './struct.ts'

export interface NetlinkOptions {
  /** Path of a network namespace file; the process's own namespace without. */
  readonly netns?: string | undefined
  /** Which messages the socket gets: a program of `dropMessages`. */
  readonly filter?: Uint8Array | undefined
  /** What may wait to be read; beyond it, the kernel drops and tells so. */
  readonly receiveBufferBytes?: number | undefined
}

/**
 * A native netlink socket with the options that every one of ours has.
 *
 * @param protocol NETLINK_*
 * @param groups multicast groups, by number (RTNLGRP_*, NFNLGRP_*), at most 32
 */
export function openNative(
  protocol: number,
  { netns, filter, receiveBufferBytes = BUFFER_BYTES }: NetlinkOptions,
  groups: readonly number[],
): NativeSocket {
  return openSocket({
    domain: AF_NETLINK,
    type: SOCK_RAW,
    protocol,
    netns,
    filter,
    bind: encodeStruct(sockaddr_nl, { nl_family: AF_NETLINK, nl_groups: groupMask(groups) }),
    sendBufferBytes: BUFFER_BYTES,
    receiveBufferBytes,
    options: OPTIONS,
  })
}

/** Holds any datagram of the kernel: dumps come in 32 KiB, echoes of requests hold at most one attribute of 64. */
export const DATAGRAM_BYTES = 128 << 10

/** Room for the acknowledgements of some ten thousand requests; used only while they wait. */
const BUFFER_BYTES = 32 << 20

const SOCK_RAW = 3
/** linux/socket.h, linux/netlink.h */
const SOL_NETLINK = 270
/** Acknowledgements do not repeat the request. */
const NETLINK_CAP_ACK = 10
/** Errors carry the kernel's words and the offending attribute. */
const NETLINK_EXT_ACK = 11
/** rtnetlink refuses what it does not understand in a dump request, and filters by what it does. */
const NETLINK_GET_STRICT_CHK = 12

const OPTIONS = [
  [SOL_NETLINK, NETLINK_CAP_ACK, 1],
  [SOL_NETLINK, NETLINK_EXT_ACK, 1],
  [SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1],
] as const

/** bind(2) takes the first 32 groups as bits, and replaces what was joined before. */
function groupMask(groups: readonly number[]): number {
  let mask = 0
  for (const group of groups) {
    if (group < 1 || group > 32) throw new RangeError(`Group ${group} is not one of 1 to 32.`)
    mask |= 1 << (group - 1)
  }
  return mask >>> 0
}
