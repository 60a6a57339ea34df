import { NetlinkDecodeError } from './errors.ts'
import type { NetlinkSocketError } from './errors.ts'
import { lostDatagrams } from './exchange-errors.ts'
import { messagesIn } from './message.ts'
import type { Reply } from './message.ts'
import type { NativeSocket } from './native.ts'
import { DATAGRAM_BYTES, openNative } from './open.ts'
import type { NetlinkOptions } from './open.ts'

export interface Subscriber {
  /** Once for each notification, in the order of the kernel. */
  readonly onMessage: (message: Reply) => void
  /** Notifications were dropped, or one was damaged: what was concluded from them must be read anew. */
  readonly onLost: (error: NetlinkSocketError | NetlinkDecodeError) => void
}

export interface Subscription {
  /** How often `onLost` was called. */
  readonly losses: number
  /** Keeps the process alive, or does not; it does from the beginning. */
  ref(): void
  unref(): void
  close(): void
}

/**
 * Delivers multicast notifications on the event loop. Opened on a socket of its own, so that they never mix
 * with answers.
 *
 * @param protocol NETLINK_*
 * @param groups by number (RTNLGRP_*, NFNLGRP_*), at most 32
 * @throws {NativeError} when the namespace or the socket cannot be opened.
 */
export function subscribe(
  protocol: number,
  groups: readonly number[],
  subscriber: Subscriber,
  options: NetlinkOptions = {},
): Subscription {
  return subscribeOn(openNative(protocol, options, groups), subscriber)
}

/** Like `subscribe`, on a socket that is open and has joined its groups. */
export function subscribeOn(native: NativeSocket, { onMessage, onLost }: Subscriber): Subscription {
  const buffer = new Uint8Array(DATAGRAM_BYTES)
  let losses = 0
  native.onReadable(() => {
    try {
      const length = native.receive(buffer)
      if (length > 0) for (const message of messagesIn(buffer.slice(0, length))) onMessage(message)
    } catch (error) {
      const loss = error instanceof NetlinkDecodeError ? error : lostDatagrams(error)
      if (!loss) throw error
      losses++
      onLost(loss)
    }
  })
  return {
    get losses() {
      return losses
    },
    ref: () => native.ref(),
    unref: () => native.unref(),
    close: () => native.close(),
  }
}
