import { NetlinkError } from '../netlink/errors.ts'
import { deleteRoute, RTPROT_SLUICE } from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { type Address, blockOf, familyOf, formatAddress, widthOf } from '../policy/address.ts'
import { PodNetworkError, reasonOf } from './errors.ts'

/**
 * Removes the node's routes to a pod's addresses; those that are gone are passed over. The routes of their ranges,
 * which refuse packets, come to bear.
 *
 * @throws PodNetworkError (wiringFailed).
 */
export function disconnect(addresses: readonly Address[], node: NetlinkSocket): void {
  try {
    node.requests(
      addresses.map((address) =>
        deleteRoute({
          destination: blockOf(address, widthOf(familyOf(address))),
          type: 'unicast',
          protocol: RTPROT_SLUICE,
        }),
      ),
    )
  } catch (error) {
    if (error instanceof NetlinkError && error.refusals.every(({ code }) => code === 'ESRCH')) {
      return
    }
    const routes = addresses.map(formatAddress).join(' and ')
    throw new PodNetworkError(
      'wiringFailed',
      `The routes to ${routes} cannot be removed: ${reasonOf(error)}`,
      error,
    )
  }
}
