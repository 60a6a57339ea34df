import { NetlinkError } from '../../netlink/errors.ts'
import type { Link } from '../../netlink/link.ts'
import { lookUpRoute } from '../../netlink/route.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import type { Address } from '../../policy/address.ts'
import type { Reach } from './choose-path.ts'

/**
 * Asks the kernel how it would reach an address. Without a gateway it is on the link, if that is one on which
 * neighbours are asked for: on those without (WireGuard, tunnels) an address says nothing of who else is there.
 */
export function findReach(
  address: Address,
  socket: NetlinkSocket,
  linkOf: (index: number) => Link | undefined,
): Reach {
  try {
    const { type, gateway, link: index } = lookUpRoute(socket, address)
    if (type !== 'unicast') return { kind: 'unreachable', reason: 'it is an address of this node.' }
    const link = index === undefined || gateway !== undefined ? undefined : linkOf(index)
    return link?.arp ? { kind: 'neighbour', link: link.index } : { kind: 'routed' }
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    return { kind: 'unreachable', reason: error.message }
  }
}
