import { ifinfomsg, rtmsg } from '../../netlink/headers.ts'
import { type Condition, dropMessages } from '../../netlink/message-filter.ts'
import { MESSAGE_TYPES } from '../../netlink/message-types.ts'
import { RTPROT_SLUICE } from '../../netlink/route.ts'
import { HOST_INTERFACE_PREFIX } from '../attachment.ts'

/**
 * The multicast groups that tell what paths between nodes depend on: links, and addresses, routes and rules of
 * either family (linux/rtnetlink.h: RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR,
 * _IPV6_ROUTE, _IPV6_RULE).
 */
export const NETWORK_GROUPS: readonly number[] = [1, 5, 7, 8, 9, 11, 19]

const { RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE } =
  MESSAGE_TYPES

/** linux/if_link.h, linux/rtnetlink.h */
const IFLA_IFNAME = 3
const RTA_DST = 1
const RTA_GATEWAY = 5
const RTA_VIA = 18
/** The scopes of one link and of one machine; narrower ones have higher numbers. */
const RT_SCOPE_LINK = 253
const AF_INET6 = 10
/** The kernel's routes to the machine's own addresses, which come with those. */
const RT_TABLE_LOCAL = 255

/** Offsets in struct ifaddrmsg and struct rtmsg. */
const IFA_SCOPE = 3
const RTM_FAMILY = 0
const RTM_TABLE = 4
const RTM_PROTOCOL = 5

const isOnPodLink: Condition = {
  attribute: IFLA_IFNAME,
  header: ifinfomsg.bytes,
  bits: Buffer.from(HOST_INTERFACE_PREFIX).readUIntBE(0, 3) * 256,
  mask: 0xffff_ff00,
}
const isLinkLocal: Condition = {
  attribute: RTA_DST,
  header: rtmsg.bytes,
  bits: 0xfe80_0000,
  mask: 0xffc0_0000,
}

/**
 * Keeps away what happens to pods' links all day and changes no path to another node: their coming and going, their
 * link-local addresses, and their routes. A route of ours with a gateway leads to a node: news if somebody else
 * took it away. It was some fifteen messages for each pod that came or went.
 */
export const NETWORK_FILTER = dropMessages([
  ...each([RTM_NEWLINK, RTM_DELLINK], [isOnPodLink]),
  ...each([RTM_NEWADDR, RTM_DELADDR], [is(IFA_SCOPE, RT_SCOPE_LINK, 255)]),
  ...each([RTM_NEWROUTE, RTM_DELROUTE], [is(RTM_TABLE, RT_TABLE_LOCAL)]),
  ...each(
    [RTM_NEWROUTE, RTM_DELROUTE],
    [
      is(RTM_PROTOCOL, RTPROT_SLUICE),
      { without: RTA_GATEWAY, header: rtmsg.bytes },
      { without: RTA_VIA, header: rtmsg.bytes },
    ],
  ),
  ...each([RTM_NEWROUTE, RTM_DELROUTE], [is(RTM_FAMILY, AF_INET6), isLinkLocal]),
])

function each(types: readonly number[], conditions: readonly Condition[]): Condition[][] {
  return types.map((type) => [{ type }, ...conditions])
}

function is(byte: number, from: number, to: number = from): Condition {
  return { byte, from, to }
}
