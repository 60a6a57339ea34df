import { NetlinkSocketError } from './errors.ts'
import type { Request } from './message.ts'
import { messageName } from './message-types.ts'
import { isNativeError } from './native.ts'

/** What an error of sending means when it is one of size; undefined for any other. */
export function tooLarge(error: unknown, bytes: number): NetlinkSocketError | undefined {
  if (!isNativeError(error) || !SIZE_CODES.includes(error.code)) return undefined
  return new NetlinkSocketError(
    'NETLINK_TOO_LARGE',
    `The kernel does not take ${bytes} bytes at once (${error.code}), nothing was sent. Send fewer requests together, or raise net.core.wmem_max.`,
    { cause: error },
  )
}

/** What an error of receiving means when it is one of lost datagrams; undefined for any other. */
export function lostDatagrams(error: unknown): NetlinkSocketError | undefined {
  if (!isNativeError(error) || !LOSS_CODES.includes(error.code)) return undefined
  return new NetlinkSocketError(
    'NETLINK_LOST',
    `Messages of the kernel were lost (${error.code}). Read the state that they told of anew.`,
    { cause: error },
  )
}

/** What an error of sending and receiving on another thread means; undefined when it is no more than it says. */
export function failedApart(error: unknown, bytes: number): NetlinkSocketError | undefined {
  const sending = isNativeError(error) && error.syscall === 'sendto'
  return sending ? tooLarge(error, bytes) : lostDatagrams(error)
}

export function noAnswer(request: Request | undefined): NetlinkSocketError {
  return new NetlinkSocketError(
    'NETLINK_NO_ANSWER',
    `The kernel did not answer ${request ? messageName(request.type) : 'a request'}. Whether it was carried out is unknown: read the state back.`,
  )
}

export function interrupted(request: Request, attempts: number): NetlinkSocketError {
  return new NetlinkSocketError(
    'NETLINK_INTERRUPTED',
    `What ${messageName(request.type)} lists changed during each of ${attempts} dumps. Try again when it is quieter.`,
  )
}

export function busy(): NetlinkSocketError {
  return new NetlinkSocketError(
    'NETLINK_BUSY',
    'A dump on this netlink socket has not ended. Wait for it, or open a second socket.',
  )
}

/** Of sendmsg(2): larger than the send buffer, or no memory for a copy of this size. */
const SIZE_CODES: readonly string[] = ['EMSGSIZE', 'ENOBUFS', 'ENOMEM']
/** Of recvmsg(2): the receive buffer was full, or the datagram is larger than ours. */
const LOSS_CODES: readonly string[] = ['ENOBUFS', 'EMSGSIZE']
