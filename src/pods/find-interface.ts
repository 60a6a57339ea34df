import { NetlinkError } from '../netlink/errors.ts'
import { findLink } from '../netlink/link.ts'
import { lookUpRoute, type Route } from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import type { Address } from '../policy/address.ts'

/**
 * The interface by which a pod that others wired is reached: its own veth or its bridge, where the node's routes
 * lead to it without a gateway. Undefined where they do not: then nothing certain is known.
 */
export function findInterface(
  address: Address,
  node: NetlinkSocket,
): { readonly name: string; readonly isBridge: boolean } | undefined {
  const route = routeTo(address, node)
  if (route?.link === undefined || route.gateway !== undefined) return undefined
  const link = findLink(node, route.link)
  if (link?.kind !== 'veth' && link?.kind !== 'bridge') return undefined
  return { name: link.name, isBridge: link.kind === 'bridge' }
}

function routeTo(address: Address, node: NetlinkSocket): Route | undefined {
  try {
    return lookUpRoute(node, address)
  } catch (error) {
    if (error instanceof NetlinkError) return undefined
    throw error
  }
}
