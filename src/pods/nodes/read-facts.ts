import { listAddresses } from '../../netlink/interface-address.ts'
import { findLink, type Link } from '../../netlink/link.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import type { Address } from '../../policy/address.ts'
import { findReach } from './find-reach.ts'
import { OVERLAYS } from './overlays.ts'
import type { NetworkFacts } from './plan-network.ts'

/** The facts of one moment: each is asked for once. The overlay's links have the node's addresses, but do not count. */
export function readFacts(socket: NetlinkSocket): NetworkFacts {
  const linkOf = remembered((index: number) => findLink(socket, index))
  const overlays = new Set(Object.values(OVERLAYS).map(({ name }) => name))
  const addresses = listAddresses(socket)
  const carrierOf = (address: Address): Link | undefined =>
    addresses
      .filter((one) => one.address === address)
      .map(({ index }) => linkOf(index))
      .find((link) => link !== undefined && !overlays.has(link.name))
  return {
    reach: remembered((address: Address) => findReach(address, socket, linkOf)),
    mtuOf: remembered((address: Address) => carrierOf(address)?.mtu),
  }
}

function remembered<K, V>(compute: (key: K) => V): (key: K) => V {
  const known = new Map<K, { readonly value: V }>()
  return (key) => {
    const found = known.get(key) ?? { value: compute(key) }
    known.set(key, found)
    return found.value
  }
}
