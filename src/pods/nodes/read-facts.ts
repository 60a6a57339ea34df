import { listAddresses } from '../../netlink/interface-address.ts'
import { findLink, type Link } from '../../netlink/link.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import type { Address, Family } from '../../policy/address.ts'
import type { Reach } from './choose-path.ts'
import { findReach } from './find-reach.ts'
import { inSteps } from './in-steps.ts'
import { addressOf, type NodeFacts } from './node-facts.ts'
import { OVERLAYS } from './overlays.ts'
import type { NetworkFacts } from './plan-network.ts'

export interface FactParts {
  readonly socket: NetlinkSocket
  readonly yieldToOthers: () => Promise<unknown>
}

/** What the kernel says of these nodes and of this one. */
export async function readFacts(
  remotes: readonly NodeFacts[],
  { socket, yieldToOthers }: FactParts,
): Promise<NetworkFacts> {
  const linkOf = remembered((index: number) => findLink(socket, index))
  const reaches = new Map<Address, Reach>()
  await inSteps(remotes.flatMap(addressesOf), yieldToOthers, (address) => {
    reaches.set(address, findReach(address, socket, linkOf))
  })
  return {
    reach: (address) => reaches.get(address) ?? findReach(address, socket, linkOf),
    mtuOf: readMtus(socket, linkOf),
  }
}

/** MTU, in bytes, of the link that has an address. The overlay's links have the node's too, but do not count. */
export function readMtus(
  socket: NetlinkSocket,
  linkOf: (index: number) => Link | undefined = (index) => findLink(socket, index),
): (address: Address) => number | undefined {
  const overlays = new Set(Object.values(OVERLAYS).map(({ name }) => name))
  const addresses = listAddresses(socket)
  return remembered((address: Address) => {
    const links = addresses.filter((one) => one.address === address)
    return links
      .map(({ index }) => linkOf(index))
      .find((link) => link !== undefined && !overlays.has(link.name))?.mtu
  })
}

const FAMILIES: readonly Family[] = [4, 6]

function addressesOf(node: NodeFacts): Address[] {
  return FAMILIES.map((family) => addressOf(node, family)).filter((one) => one !== undefined)
}

function remembered<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, { readonly value: V }>()
  return (key) => {
    const found = known.get(key) ?? { value: compute(key) }
    known.set(key, found)
    return found.value
  }
}
