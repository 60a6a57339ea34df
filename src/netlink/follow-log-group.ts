import { NETLINK_NETFILTER } from './constants.ts'
import { bindLogGroup, configureLogGroup, type LogSettings } from './nflog.ts'
import { type NetlinkOptions, openNative } from './open.ts'
import { NetlinkSocket } from './socket.ts'
import { type Subscriber, type Subscription, subscribeOn } from './subscribe.ts'

/**
 * Delivers the packets of a log group (NFULNL_MSG_PACKET, and NLMSG_DONE behind several) on the event loop.
 *
 * @throws {NativeError} when the namespace or the socket cannot be opened
 * @throws {NetlinkError} EPERM when another socket has the group
 */
export function followLogGroup(
  group: number,
  settings: LogSettings,
  subscriber: Subscriber,
  options: NetlinkOptions = {},
): Subscription {
  const native = openNative(NETLINK_NETFILTER, options, [])
  try {
    new NetlinkSocket(native).requests([bindLogGroup(group), configureLogGroup(group, settings)])
    return subscribeOn(native, subscriber)
  } catch (error) {
    native.close()
    throw error
  }
}
