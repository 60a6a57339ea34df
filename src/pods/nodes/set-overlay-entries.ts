import {
  addForwardingEntry,
  deleteForwardingEntry,
  type ForwardingEntry,
  listForwardingEntries,
} from '../../netlink/forwarding-entry.ts'
import {
  addNeighbour,
  deleteNeighbour,
  listNeighbours,
  type Neighbour,
} from '../../netlink/neighbour.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import { difference } from './difference.ts'

export interface LinkEntries {
  readonly neighbours: readonly Neighbour[]
  readonly forwarding: readonly ForwardingEntry[]
}

/** Makes these the permanent neighbours and the forwarding entries of the overlay's links: all of each. */
export function setOverlayEntries(
  wanted: LinkEntries,
  indices: readonly number[],
  socket: NetlinkSocket,
): void {
  const held = indices.flatMap((index) => listForwardingEntries(socket, index))
  const forwarding = difference(wanted.forwarding, held, forwardingKey)
  // First what goes: a MAC address is behind one end.
  for (const entry of forwarding.stale) socket.request(deleteForwardingEntry(entry))
  for (const entry of forwarding.missing) socket.request(addForwardingEntry(entry))

  const neighbours = difference(wanted.neighbours, heldNeighbours(indices, socket), neighbourKey)
  for (const entry of neighbours.stale) socket.request(deleteNeighbour(entry))
  for (const entry of neighbours.missing) socket.request(addNeighbour(entry))
}

/** The kernel lists by itself, for multicast on links without ARP, entries that are not permanent. */
function heldNeighbours(indices: readonly number[], socket: NetlinkSocket): Neighbour[] {
  return indices
    .flatMap((index) => listNeighbours(socket, index))
    .filter(({ permanent }) => permanent)
    .map(({ index, address, mac = '' }) => ({ index, address, mac }))
}

function forwardingKey({ index, mac, destination }: ForwardingEntry): string {
  return `${index} ${mac} ${destination}`
}

function neighbourKey({ index, address, mac }: Neighbour): string {
  return `${index} ${address} ${mac}`
}
