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
import { inSteps } from './in-steps.ts'
import type { FactParts } from './read-facts.ts'

export interface LinkEntries {
  readonly neighbours: readonly Neighbour[]
  readonly forwarding: readonly ForwardingEntry[]
}

/** Makes these the permanent neighbours and the forwarding entries of the overlay's links: all of each. */
export async function setOverlayEntries(
  wanted: LinkEntries,
  indices: readonly number[],
  { socket, yieldToOthers }: FactParts,
): Promise<void> {
  const held = indices.flatMap((index) => listForwardingEntries(socket, index))
  const forwarding = difference(wanted.forwarding, held, forwardingKey)
  await yieldToOthers()
  const neighbours = difference(wanted.neighbours, heldNeighbours(indices, socket), neighbourKey)
  // First what goes: a MAC address is behind one end, an address behind one MAC address.
  const requests = [
    ...forwarding.stale.map(deleteForwardingEntry),
    ...forwarding.missing.map(addForwardingEntry),
    ...neighbours.stale.map(deleteNeighbour),
    ...neighbours.missing.map(addNeighbour),
  ]
  await inSteps(requests, yieldToOthers, (request) => socket.request(request))
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
