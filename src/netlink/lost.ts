import { NetlinkSocketError } from './errors.ts'
import { isNativeError } from './native.ts'

/** What an error of receiving means when it is one of lost datagrams; undefined for any other. */
export function lostDatagrams(error: unknown): NetlinkSocketError | undefined {
  if (!isNativeError(error) || !CODES.includes(error.code)) return undefined
  return new NetlinkSocketError(
    'NETLINK_LOST',
    `Messages of the kernel were lost (${error.code}). Read the state that they told of anew.`,
    { cause: error },
  )
}

/** Of recvmsg(2): the receive buffer was full, or the datagram is larger than ours. */
const CODES: readonly string[] = ['ENOBUFS', 'EMSGSIZE']
