import { familyOf, ip4, ip6, widthOf } from '../policy/address.ts'
import type { Address, Cidr, Family } from '../policy/address.ts'
import { addressFamily, addressFromBytes, addressToBytes } from './address-bytes.ts'
import { attributes } from './attributes.ts'
import { AF_INET, AF_INET6, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from './constants.ts'
import { NetlinkDecodeError, NetlinkError } from './errors.ts'
import { rtmsg } from './headers.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

export interface Route {
  /** Prefix 0 is the default route. */
  readonly destination: Pick<Cidr, 'first' | 'prefix'>
  readonly gateway?: Address | undefined
  /** Index of the link that it leads to. */
  readonly link?: number | undefined
  /** The gateway is reached on the link although no route says so. */
  readonly onlink?: boolean | undefined
  /** The source address of what the machine itself sends. */
  readonly source?: Address | undefined
  /** The main table without. */
  readonly table?: number | undefined
  /** Who made it: one of rt_protos or a number of one's own. `RTPROT_STATIC` without. */
  readonly protocol?: number | undefined
  /** Lower is preferred. */
  readonly metric?: number | undefined
  readonly type?: RouteType | undefined
}

/** rtm_type (linux/rtnetlink.h). Packets to the last three are refused, each with its own error. */
const ROUTE_TYPES = [
  ['unicast', 1],
  ['local', 2],
  ['blackhole', 6],
  ['unreachable', 7],
  ['prohibit', 8],
] as const
export type RouteType = (typeof ROUTE_TYPES)[number][0]

export interface RouteFilter {
  readonly family: Family
  /** The main table without. */
  readonly table?: number
  readonly protocol?: number
  /** Index of the link that they lead to. */
  readonly link?: number
}

/** Routes of Sluice carry this rtm_protocol (linux/rtnetlink.h leaves the number free). */
export const RTPROT_SLUICE = 83
const RTPROT_STATIC = 4
export const RT_TABLE_MAIN = 254

/** `ip route add`. EEXIST when there is one to the destination with the same metric. */
export function addRoute(route: Route): Request {
  return routeRequest(MESSAGE_TYPES.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route)
}

/** `ip route replace`. */
export function replaceRoute(route: Route): Request {
  return routeRequest(MESSAGE_TYPES.RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route)
}

/** `ip route delete`. ESRCH when there is none. */
export function deleteRoute(route: Route): Request {
  return routeRequest(MESSAGE_TYPES.RTM_DELROUTE, 0, route)
}

/**
 * `ip route get`: by which route the machine itself would reach an address, and from which source. With
 * `fibMatch` the route as it was made, else what it says of this one address.
 *
 * @throws {NetlinkError} ENETUNREACH, or what a route that refuses packets answers
 */
export function lookUpRoute(
  socket: NetlinkSocket,
  address: Address,
  { fibMatch = false }: { readonly fibMatch?: boolean } = {},
): Route {
  // IPv6 always tells the table, and refuses to be asked for it (Linux 6.18, inet6_rtm_valid_getroute_req).
  const table = familyOf(address) === 4 ? RTM_F_LOOKUP_TABLE : 0
  const header = encodeStruct(rtmsg, {
    rtm_family: addressFamily(address),
    rtm_dst_len: widthOf(familyOf(address)),
    rtm_flags: table | (fibMatch ? RTM_F_FIB_MATCH : 0),
  })
  const values = { RTA_DST: addressToBytes(address) }
  const [reply] = socket.request(makeRequest(MESSAGE_TYPES.RTM_GETROUTE, 0, header, RTA, values))
  if (reply === undefined) throw new NetlinkDecodeError('RTM_GETROUTE', 'it has no answer.')
  return readRoute(reply)
}

/** The kernel itself leaves out what the filter does not name. */
export function listRoutes(socket: NetlinkSocket, filter: RouteFilter): Route[] {
  const { family, table = RT_TABLE_MAIN, protocol, link } = filter
  const header = encodeStruct(rtmsg, {
    rtm_family: family === 4 ? AF_INET : AF_INET6,
    rtm_protocol: protocol ?? 0,
  })
  const values = { RTA_TABLE: table, RTA_OIF: link }
  const request = makeRequest(MESSAGE_TYPES.RTM_GETROUTE, 0, header, RTA, values)
  try {
    return socket.dump(request, readRoute)
  } catch (error) {
    // A table that never had a route does not exist.
    if (error instanceof NetlinkError && error.code === 'ENOENT') return []
    throw error
  }
}

/** Of RTM_NEWROUTE and RTM_DELROUTE messages, notifications included. */
export function readRoute(reply: Reply): Route {
  const { header, attributes: values } = readReply(reply, rtmsg, RTA)
  const address = (name: 'RTA_DST' | 'RTA_GATEWAY' | 'RTA_PREFSRC') => {
    const bytes = values[name]
    return bytes && addressFromBytes(bytes, name)
  }
  const any = header.rtm_family === AF_INET ? ip4(0) : ip6(0n)
  return {
    destination: { first: address('RTA_DST') ?? any, prefix: header.rtm_dst_len },
    gateway: address('RTA_GATEWAY') ?? viaOf(values.RTA_VIA),
    link: values.RTA_OIF,
    onlink: (header.rtm_flags & RTNH_F_ONLINK) !== 0,
    source: address('RTA_PREFSRC'),
    table: values.RTA_TABLE ?? header.rtm_table,
    protocol: header.rtm_protocol,
    metric: values.RTA_PRIORITY,
    type: typeNames.get(header.rtm_type),
  }
}

const typeNumbers = new Map<RouteType, number>(ROUTE_TYPES)
const typeNames = new Map<number, RouteType>(ROUTE_TYPES.map(([name, number]) => [number, name]))

/** linux/rtnetlink.h */
const RTA = attributes({
  RTA_DST: [1, 'binary'],
  RTA_OIF: [4, 'u32'],
  RTA_GATEWAY: [5, 'binary'],
  RTA_PRIORITY: [6, 'u32'],
  RTA_PREFSRC: [7, 'binary'],
  RTA_TABLE: [15, 'u32'],
  /** struct rtvia: u16 family, then the address; a gateway of the other family. */
  RTA_VIA: [18, 'binary'],
})
const RTVIA_ADDRESS = 2
const RTNH_F_ONLINK = 4
const RTM_F_LOOKUP_TABLE = 0x1000
const RTM_F_FIB_MATCH = 0x2000
const RT_SCOPE_UNIVERSE = 0
const RT_SCOPE_LINK = 253
const RT_SCOPE_HOST = 254
/** Of deletions: any scope. */
const RT_SCOPE_NOWHERE = 255

function viaOf(via: Uint8Array | undefined): Address | undefined {
  return via && addressFromBytes(via.subarray(RTVIA_ADDRESS), 'RTA_VIA')
}

function routeRequest(type: number, flags: number, route: Route): Request {
  const { destination, gateway, link, source, metric, table = RT_TABLE_MAIN } = route
  const deleting = type === MESSAGE_TYPES.RTM_DELROUTE
  const routeType = route.type ?? (deleting ? undefined : 'unicast')
  const header = encodeStruct(rtmsg, {
    rtm_family: addressFamily(destination.first),
    rtm_dst_len: destination.prefix,
    rtm_table: table > 255 ? 0 : table,
    rtm_protocol: route.protocol ?? (deleting ? 0 : RTPROT_STATIC),
    rtm_scope: deleting ? RT_SCOPE_NOWHERE : scopeOf(route),
    rtm_type: (routeType && typeNumbers.get(routeType)) ?? 0,
    rtm_flags: route.onlink ? RTNH_F_ONLINK : 0,
  })
  return makeRequest(type, flags, header, RTA, {
    RTA_DST: destination.prefix === 0 ? undefined : addressToBytes(destination.first),
    RTA_GATEWAY: gateway === undefined ? undefined : addressToBytes(gateway),
    RTA_PREFSRC: source === undefined ? undefined : addressToBytes(source),
    RTA_PRIORITY: metric,
    RTA_OIF: link,
    RTA_TABLE: table > 255 ? table : undefined,
  })
}

/** How far away the destination is: IPv4 asks, IPv6 does not. */
function scopeOf({ type = 'unicast', gateway, destination }: Route): number {
  if (addressFamily(destination.first) === AF_INET6) return RT_SCOPE_UNIVERSE
  if (type === 'local') return RT_SCOPE_HOST
  return type === 'unicast' && gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE
}
