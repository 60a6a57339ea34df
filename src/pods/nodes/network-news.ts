import { ifaddrmsg, rtmsg } from '../../netlink/headers.ts'
import { readLink } from '../../netlink/link.ts'
import type { Reply } from '../../netlink/message.ts'
import { MESSAGE_TYPES } from '../../netlink/message-types.ts'
import { readRoute, RTPROT_SLUICE } from '../../netlink/route.ts'
import { decodeStruct } from '../../netlink/struct.ts'
import { blockOf, contains, ip6 } from '../../policy/address.ts'
import { HOST_INTERFACE_PREFIX } from '../attachment.ts'

/**
 * The multicast groups that tell what paths between nodes depend on: links, and addresses, routes and rules of
 * either family (linux/rtnetlink.h: RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR,
 * _IPV6_ROUTE, _IPV6_RULE).
 */
export const NETWORK_GROUPS: readonly number[] = [1, 5, 7, 8, 9, 11, 19]

/**
 * Whether paths to other nodes may be other ones now. Not so for what happens to pods' links all day: their
 * coming and going, their link-local addresses, and their routes.
 */
export function isNetworkNews(message: Reply): boolean {
  return newsByType.get(message.type)?.(message) ?? true
}

const newsByType: ReadonlyMap<number, (message: Reply) => boolean> = new Map([
  [MESSAGE_TYPES.RTM_NEWLINK, isLinkNews],
  [MESSAGE_TYPES.RTM_DELLINK, isLinkNews],
  [MESSAGE_TYPES.RTM_NEWADDR, isAddressNews],
  [MESSAGE_TYPES.RTM_DELADDR, isAddressNews],
  [MESSAGE_TYPES.RTM_NEWROUTE, isRouteNews],
  [MESSAGE_TYPES.RTM_DELROUTE, isRouteNews],
])

function isLinkNews(message: Reply): boolean {
  return !readLink(message).name.startsWith(HOST_INTERFACE_PREFIX)
}

/** linux/rtnetlink.h: the scopes of one link and of one machine come after it. */
const RT_SCOPE_LINK = 253

function isAddressNews({ payload }: Reply): boolean {
  return decodeStruct(ifaddrmsg, payload).ifa_scope < RT_SCOPE_LINK
}

/** linux/rtnetlink.h: the kernel's routes to the machine's own addresses, which come with those. */
const RT_TABLE_LOCAL = 255
const LINK_LOCAL = blockOf(ip6(0xfe80n << 112n), 10)

/** A route of ours with a gateway leads to a node: news if somebody else took it away. */
function isRouteNews(message: Reply): boolean {
  if (decodeStruct(rtmsg, message.payload).rtm_table === RT_TABLE_LOCAL) return false
  const { protocol, gateway, destination } = readRoute(message)
  if (protocol === RTPROT_SLUICE && gateway === undefined) return false
  return !contains(LINK_LOCAL, destination.first)
}
