import { NetlinkError } from '../netlink/errors.ts'
import {
  deleteRoute,
  listRoutes,
  replaceRoute,
  type Route,
  RTPROT_SLUICE,
} from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { type Address, type Cidr, type Family, familyOf, formatCidr } from '../policy/address.ts'

/** Another node, as its Node object has it. */
export interface RemoteNode {
  readonly name: string
  readonly podCidrs: readonly Cidr[]
  readonly addresses: readonly Address[]
}

const FAMILIES: readonly Family[] = [4, 6]

/**
 * Routes to the pods of these nodes, each by the node's address on a link that the nodes share; those of nodes
 * that have gone go. Routes that are not ours are never touched.
 *
 * @returns a sentence for each node that cannot be reached so
 */
export function setNodeRoutes(nodes: readonly RemoteNode[], socket: NetlinkSocket): string[] {
  const wanted = nodes.flatMap(routesTo)
  const keep = new Set(wanted.map(({ route }) => keyOf(route)))
  const ours = FAMILIES.flatMap((family) => listRoutes(socket, { family, protocol: RTPROT_SLUICE }))
  // Pods' own routes have no gateway, nor has that of the free addresses.
  const held = ours.filter(({ gateway }) => gateway !== undefined)
  const gone = held.filter((route) => !keep.has(keyOf(route)))
  for (const route of gone) socket.request(deleteRoute(route))
  const have = new Set(held.map(keyOf))
  return wanted
    .filter(({ route }) => !have.has(keyOf(route)))
    .flatMap(({ node, route }) => problemOf(node, route, socket))
}

function routesTo(node: RemoteNode): { node: RemoteNode; route: Route }[] {
  return node.podCidrs.flatMap((destination) => {
    const gateway = node.addresses.find((one) => familyOf(one) === familyOf(destination.first))
    if (gateway === undefined) return []
    return [{ node, route: { destination, gateway, protocol: RTPROT_SLUICE } }]
  })
}

function problemOf(node: RemoteNode, route: Route, socket: NetlinkSocket): string[] {
  try {
    socket.request(replaceRoute(route))
    return []
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    const pods = formatCidr({ ...route.destination, last: route.destination.first })
    return [
      `Pods of node ${node.name} (${pods}) cannot be reached: ${error.message} Nodes must share a link.`,
    ]
  }
}

function keyOf({ destination, gateway }: Route): string {
  return `${destination.first}/${destination.prefix} ${gateway}`
}
