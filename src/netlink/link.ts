import type { ValuesOf } from './attributes.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from './constants.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { NetlinkError } from './errors.ts'
import { ifinfomsg } from './headers.ts'
import {
  IFF_NOARP,
  IFF_UP,
  IFLA,
  IFLA_BR,
  RTEXT_FILTER_SKIP_STATS,
  VETH_INFO,
} from './link-table.ts'
import { macFromBytes, macToBytes } from './mac.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'
import { readVxlan, type Vxlan, writeVxlan } from './vxlan.ts'

/** What may be set on a link; what is left out stays as it is, or is the kernel's choice in a new link. */
export interface LinkSettings {
  readonly name?: string | undefined
  /** Such as `02:00:00:00:00:01`. */
  readonly mac?: string | undefined
  /** Bytes. */
  readonly mtu?: number | undefined
  readonly up?: boolean | undefined
  /** False sets IFF_NOARP: the kernel neither asks nor answers on the link. */
  readonly arp?: boolean | undefined
  /** Index of the bridge that it belongs to; 0 takes it out. */
  readonly master?: number | undefined
  /** A number by which links are dealt with together; 0 is where all begin. */
  readonly group?: number | undefined
  /** The network namespace that it is made in or moved to: an open file, or a process in it. */
  readonly netns?: { readonly fd: number } | { readonly pid: number } | undefined
}

export interface NewLink extends LinkSettings {
  readonly name: string
  /** The kernel's choice without; EBUSY when it is taken. */
  readonly index?: number | undefined
  /** For what it sends, and so many for what it receives. */
  readonly queues?: number | undefined
}

export type LinkKind =
  | { readonly kind: 'bridge' | 'dummy' }
  | { readonly kind: 'veth'; readonly peer: NewLink }
  | ({ readonly kind: 'vxlan' } & Vxlan)

/** By index or by name. */
export type LinkReference = number | string

export interface Link {
  readonly index: number
  readonly name: string
  readonly up: boolean
  readonly arp: boolean
  readonly mtu: number
  /** Undefined on links whose addresses are no MAC addresses. */
  readonly mac: string | undefined
  /** `veth`, `bridge`…; undefined on hardware. */
  readonly kind: string | undefined
  /** Index of the bridge that it belongs to. */
  readonly master: number | undefined
  /** Index of the other end, in the namespace where that is. */
  readonly peer: number | undefined
  /** Of bridges: they tell VLANs apart. */
  readonly vlanFiltering: boolean
  /** Of links of kind `vxlan` that have a local address. */
  readonly vxlan: Vxlan | undefined
}

/** `ip link add`. EEXIST when the name is taken. */
export function addLink(link: NewLink, kind: LinkKind): Request {
  return makeRequest(
    MESSAGE_TYPES.RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL,
    headerOf(link, link.index),
    IFLA,
    { ...newLinkValues(link), IFLA_LINKINFO: infoOf(kind) },
  )
}

/** `ip link set`. A new name needs the reference to be an index. */
export function setLink(link: LinkReference, settings: LinkSettings): Request {
  const [index, name] = typeof link === 'number' ? [link, settings.name] : [0, link]
  return makeRequest(MESSAGE_TYPES.RTM_SETLINK, 0, headerOf(settings, index), IFLA, {
    ...settingValues(settings),
    IFLA_IFNAME: name,
  })
}

/** `ip link delete`; both ends of a veth. ENODEV when there is none. */
export function deleteLink(link: LinkReference): Request {
  return referring(MESSAGE_TYPES.RTM_DELLINK, link, {})
}

/** `ip link delete group`: all of them together, which costs hardly more than one. ENODEV when there is none. */
export function deleteLinkGroup(group: number): Request {
  return makeRequest(MESSAGE_TYPES.RTM_DELLINK, 0, encodeStruct(ifinfomsg, {}), IFLA, {
    IFLA_GROUP: group,
  })
}

/** `ip link show`. ENODEV when there is none. */
export function getLink(link: LinkReference): Request {
  return referring(MESSAGE_TYPES.RTM_GETLINK, link, WITHOUT_STATS)
}

/** The link, or undefined if there is none. */
export function findLink(socket: NetlinkSocket, link: LinkReference): Link | undefined {
  try {
    const [reply] = socket.request(getLink(link))
    return reply && readLink(reply)
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENODEV') return undefined
    throw error
  }
}

export function listLinks(socket: NetlinkSocket): Link[] {
  const request = makeRequest(
    MESSAGE_TYPES.RTM_GETLINK,
    0,
    encodeStruct(ifinfomsg, {}),
    IFLA,
    WITHOUT_STATS,
  )
  return socket.dump(request, readLink)
}

/** Of RTM_NEWLINK and RTM_DELLINK messages, notifications included. */
export function readLink(reply: Reply): Link {
  const { header, attributes } = readReply(reply, ifinfomsg, IFLA)
  const { IFLA_ADDRESS: address, IFLA_LINKINFO: info } = attributes
  return {
    index: header.ifi_index,
    name: attributes.IFLA_IFNAME ?? '',
    up: (header.ifi_flags & IFF_UP) !== 0,
    arp: (header.ifi_flags & IFF_NOARP) === 0,
    mtu: attributes.IFLA_MTU ?? 0,
    mac: address?.length === 6 ? macFromBytes(address, 'IFLA_ADDRESS') : undefined,
    kind: info?.IFLA_INFO_KIND,
    master: attributes.IFLA_MASTER,
    peer: attributes.IFLA_LINK,
    vlanFiltering: info?.IFLA_INFO_KIND === 'bridge' && tellsVlans(info.IFLA_INFO_DATA),
    vxlan: info?.IFLA_INFO_KIND === 'vxlan' ? readVxlan(info.IFLA_INFO_DATA) : undefined,
  }
}

function tellsVlans(data: Uint8Array = new Uint8Array()): boolean {
  return decode(IFLA_BR, data).IFLA_BR_VLAN_FILTERING === 1
}

const WITHOUT_STATS = { IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS } as const

function referring(type: number, link: LinkReference, values: ValuesOf<typeof IFLA>): Request {
  const [index, name] = typeof link === 'number' ? [link, undefined] : [0, link]
  const header = encodeStruct(ifinfomsg, { ifi_index: index })
  return makeRequest(type, 0, header, IFLA, { IFLA_IFNAME: name, ...values })
}

function headerOf({ up, arp }: LinkSettings, index = 0): Uint8Array {
  const upBits = up === undefined ? 0 : IFF_UP
  const arpBits = arp === undefined ? 0 : IFF_NOARP
  return encodeStruct(ifinfomsg, {
    ifi_index: index,
    ifi_flags: (up ? upBits : 0) | (arp ? 0 : arpBits),
    ifi_change: upBits | arpBits,
  })
}

function newLinkValues({ queues, ...settings }: NewLink): ValuesOf<typeof IFLA> {
  return {
    ...settingValues(settings),
    IFLA_NUM_TX_QUEUES: queues,
    IFLA_NUM_RX_QUEUES: queues,
  }
}

function settingValues({
  name,
  mac,
  mtu,
  master,
  group,
  netns,
}: LinkSettings): ValuesOf<typeof IFLA> {
  return {
    IFLA_ADDRESS: mac === undefined ? undefined : macToBytes(mac),
    IFLA_MTU: mtu,
    IFLA_IFNAME: name,
    IFLA_MASTER: master,
    IFLA_GROUP: group,
    IFLA_NET_NS_FD: netns && 'fd' in netns ? netns.fd : undefined,
    IFLA_NET_NS_PID: netns && 'pid' in netns ? netns.pid : undefined,
  }
}

function infoOf(kind: LinkKind): ValuesOf<typeof IFLA>['IFLA_LINKINFO'] {
  return { IFLA_INFO_KIND: kind.kind, IFLA_INFO_DATA: infoDataOf(kind) }
}

function infoDataOf(kind: LinkKind): Uint8Array | undefined {
  if (kind.kind === 'veth') return encode(VETH_INFO, { VETH_INFO_PEER: peerOf(kind.peer) })
  return kind.kind === 'vxlan' ? writeVxlan(kind) : undefined
}

function peerOf(peer: NewLink): Uint8Array {
  return Buffer.concat([headerOf(peer, peer.index), encode(IFLA, newLinkValues(peer))])
}
