import { type Address, familyOf } from '../../policy/address.ts'
import type { OverlayMode } from './choose-path.ts'
import { LEAST_MTU, OVERLAYS } from './overlays.ts'

/**
 * The MTU of pods' links, in bytes: that of the node's links, less what the overlay puts around a packet
 * wherever there may be one. It does not wait for the first node on another link: a pod keeps its MTU for life.
 *
 * @param mtuOf of the link that has an address of the node, if one has
 */
export function deriveMtu(
  addresses: readonly Address[],
  mode: OverlayMode,
  mtuOf: (address: Address) => number | undefined,
): number {
  const links = addresses
    .map(mtuOf)
    .filter((mtu) => mtu !== undefined)
    .filter((mtu) => mtu <= MAX_LINK_MTU)
  const least = links.length === 0 ? ETHERNET_MTU : Math.min(...links)
  if (mode === 'never') return least
  // The overlay is IPv4's between nodes that have it.
  const carrier = addresses.length > 0 && addresses.every((one) => familyOf(one) === 6) ? 6 : 4
  return Math.max(least - OVERLAYS[carrier].headerBytes, LEAST_MTU)
}

/** IEEE 802.3, where no link that packets leave by has an address of the node. */
const ETHERNET_MTU = 1500
/**
 * ETH_MAX_MTU (if_ether.h). The loopback interface, where routers have their addresses, has one byte more, which
 * says nothing of links, and which the kernel refuses for a pod's.
 */
const MAX_LINK_MTU = 65_535
