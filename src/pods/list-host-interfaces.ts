import { listLinks } from '../netlink/link.ts'
import { listRoutes, RTPROT_SLUICE } from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { type Address, type Family, widthOf } from '../policy/address.ts'
import { HOST_INTERFACE_PREFIX } from './attachment.ts'
import { PodNetworkError, reasonOf } from './errors.ts'
import type { HostInterface } from './wiring.ts'

/**
 * Every interface of ours on the node, with the addresses whose routes lead there.
 *
 * @throws PodNetworkError (wiringFailed).
 */
export function listHostInterfaces(node: NetlinkSocket): HostInterface[] {
  try {
    const addresses = addressesByLink(node)
    return listLinks(node)
      .filter(({ name }) => name.startsWith(HOST_INTERFACE_PREFIX))
      .map(({ name, index }) => ({ name, addresses: addresses.get(index) ?? [] }))
  } catch (cause) {
    const reason = `The interfaces of this node cannot be listed: ${reasonOf(cause)}`
    throw new PodNetworkError('wiringFailed', reason, cause)
  }
}

function addressesByLink(node: NetlinkSocket): Map<number | undefined, Address[]> {
  const families: readonly Family[] = [4, 6]
  const routes = families.flatMap((family) =>
    listRoutes(node, { family, protocol: RTPROT_SLUICE }).filter(
      ({ destination, type, gateway }) =>
        type === 'unicast' && gateway === undefined && destination.prefix === widthOf(family),
    ),
  )
  const addresses = new Map<number | undefined, Address[]>()
  for (const { destination, link } of routes) {
    const others = addresses.get(link) ?? []
    addresses.set(link, [...others, destination.first])
  }
  return addresses
}
