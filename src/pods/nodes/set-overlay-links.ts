import { isDeepStrictEqual } from 'node:util'
import { NetlinkError } from '../../netlink/errors.ts'
import { addAddress, deleteAddress, listAddresses } from '../../netlink/interface-address.ts'
import { addLink, deleteLink, findLink, type Link, setLink } from '../../netlink/link.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import {
  blockOf,
  contains,
  type Family,
  familyOf,
  formatAddress,
  ip6,
  widthOf,
} from '../../policy/address.ts'
import { type Settings, overlaySettings } from '../settings.ts'
import { difference } from './difference.ts'
import { OVERLAYS } from './overlays.ts'
import type { PlannedLink } from './plan-link.ts'

/** Links of the overlay that are there, by name. */
export interface OverlayLinks {
  readonly indices: ReadonlyMap<string, number>
  /** A sentence for each link that cannot be had. */
  readonly problems: readonly string[]
}

export interface OverlayParts {
  readonly socket: NetlinkSocket
  /** Writes a setting of the node's namespace. @throws an error with a `code` */
  readonly write: (settings: Settings) => void
}

/** Makes the planned links as they shall be, and up. One whose tunnel is another's is made anew. */
export function setOverlayLinks(
  planned: readonly PlannedLink[],
  families: ReadonlySet<Family>,
  parts: OverlayParts,
): OverlayLinks {
  const indices = new Map<string, number>()
  const problems: string[] = []
  for (const link of planned) {
    try {
      indices.set(link.name, setOverlayLink(link, families, parts))
    } catch (error) {
      if (!(error instanceof Error)) throw error
      problems.push(
        `The link ${link.name} to nodes on other links cannot be made: ${error.message}`,
      )
    }
  }
  return { indices, problems }
}

/** Deletes the links of the overlay but those that are kept. */
export function removeOverlayLinks(kept: ReadonlySet<string>, socket: NetlinkSocket): string[] {
  const names = Object.values(OVERLAYS).map(({ name }) => name)
  const gone = names.filter((name) => !kept.has(name) && findLink(socket, name)?.kind === 'vxlan')
  for (const name of gone) socket.request(deleteLink(name))
  return gone
}

/** Up comes last: what is up is complete. @returns its index */
function setOverlayLink(
  planned: PlannedLink,
  families: ReadonlySet<Family>,
  { socket, write }: OverlayParts,
): number {
  const link = heldLink(planned, socket) ?? makeLink(planned, socket)
  if (link.mtu !== planned.mtu) socket.request(setLink(link.index, { mtu: planned.mtu }))
  if (!link.up) overlaySettings(planned.name, families).forEach(write)
  setAddresses(planned, link.index, socket)
  if (!link.up) socket.request(setLink(link.index, { up: true }))
  return link.index
}

/** The link that is there, if it is the same tunnel; another of ours goes. */
function heldLink({ name, vxlan, mac }: PlannedLink, socket: NetlinkSocket): Link | undefined {
  const link = findLink(socket, name)
  if (link === undefined) return undefined
  if (link.kind !== 'vxlan') {
    throw new Error('there is another link of that name, which is no VXLAN. Rename or delete it.')
  }
  if (isDeepStrictEqual(link.vxlan, vxlan) && link.mac === mac) return link
  socket.request(deleteLink(link.index))
  return undefined
}

/** Nobody asks on it for neighbours, nor is answered: all are told to it. */
function makeLink({ name, vxlan, mac, mtu }: PlannedLink, socket: NetlinkSocket): Link {
  try {
    socket.request(addLink({ name, mac, mtu, arp: false }, { kind: 'vxlan', ...vxlan }))
  } catch (error) {
    if (!(error instanceof NetlinkError && error.code === 'EEXIST')) throw error
    const { vni, port } = vxlan
    throw new Error(
      `there is another VXLAN link with VNI ${vni} and port ${port}, of another network plugin perhaps. Delete it.`,
      { cause: error },
    )
  }
  const link = findLink(socket, name)
  if (link === undefined) throw new Error('it vanished at once.')
  return link
}

/** Link-local ones are the kernel's. Without a route of their own: the node has these addresses elsewhere. */
function setAddresses({ addresses }: PlannedLink, index: number, socket: NetlinkSocket): void {
  const held = listAddresses(socket, index).filter(({ address }) => !contains(LINK_LOCAL, address))
  const wanted = addresses.map((address) => {
    return { index, address, prefix: widthOf(familyOf(address)) }
  })
  const { missing, stale } = difference(wanted, held, ({ address, prefix }) => {
    return `${formatAddress(address)}/${prefix}`
  })
  for (const address of stale) socket.request(deleteAddress(address))
  for (const address of missing) socket.request(addAddress({ ...address, prefixRoute: false }))
}

const LINK_LOCAL = blockOf(ip6(0xfe80n << 112n), 10)
