import { RTPROT_SLUICE } from '../../netlink/route.ts'
import type { Rule } from '../../netlink/rule.ts'
import { type Address, blockOf, type Family, familyOf, widthOf } from '../../policy/address.ts'
import type { NodeFacts } from './node-facts.ts'
import { OVERLAY_RULE_PRIORITY, OVERLAY_TABLE } from './overlays.ts'
import type { Overlaid, PlannedRoute } from './plan-network.ts'

/** The MAC address of a gateway on a link of the overlay. */
export interface PlannedNeighbour {
  /** The name of a planned link. */
  readonly link: string
  readonly address: Address
  readonly mac: string
}

/** The tunnel end behind which a MAC address is. */
export interface PlannedForwarding {
  /** The name of a planned link. */
  readonly link: string
  readonly mac: string
  readonly destination: Address
}

export interface OverlayEntries {
  readonly routes: readonly PlannedRoute[]
  readonly neighbours: readonly PlannedNeighbour[]
  readonly forwarding: readonly PlannedForwarding[]
  readonly rules: readonly Rule[]
}

/**
 * What leads through the overlay: to a range by a gateway that nobody has, the range's own first address; from
 * there by a permanent neighbour to the other node's MAC address; from there by a permanent forwarding entry to
 * the other end. Nothing is asked for or learnt.
 *
 * Pods reach the address of such a node through the overlay too. Outside it nobody need know pods' addresses,
 * nor see only one half of a connection.
 */
export function planOverlayEntries(
  own: NodeFacts,
  overlaid: readonly Overlaid[],
  sourceOf: (family: Family) => Address | undefined,
): OverlayEntries {
  const nodeRoutes = overlaid.flatMap(routesToNode)
  const families = new Set(nodeRoutes.map(({ destination }) => familyOf(destination.first)))
  return {
    routes: [
      ...overlaid.map((one) => routeToPods(one, sourceOf(familyOf(one.range.first)))),
      ...nodeRoutes,
    ],
    neighbours: overlaid.map(({ range, link, mac }) => ({ link, address: range.first, mac })),
    forwarding: forwardingOf(overlaid),
    rules: own.podCidrs
      .filter(({ first }) => families.has(familyOf(first)))
      .map((source) => ({
        source,
        table: OVERLAY_TABLE,
        priority: OVERLAY_RULE_PRIORITY,
        protocol: RTPROT_SLUICE,
      })),
  }
}

function routeToPods({ remote, range, link }: Overlaid, source: Address | undefined): PlannedRoute {
  return { node: remote.name, destination: range, gateway: range.first, link, source }
}

/** Only pods' packets are looked up in that table: the tunnel's own, from the node, must not go back into it. */
function routesToNode({ remote, range, link }: Overlaid): PlannedRoute[] {
  const family = familyOf(range.first)
  return remote.addresses
    .filter((address) => familyOf(address) === family)
    .map((address) => ({
      node: remote.name,
      destination: blockOf(address, widthOf(family)),
      gateway: range.first,
      link,
      table: OVERLAY_TABLE,
    }))
}

/** One for each node and link: the ranges of both families are behind the same end. */
function forwardingOf(overlaid: readonly Overlaid[]): PlannedForwarding[] {
  const byEnd = overlaid.map(({ end, link, mac }): [string, PlannedForwarding] => [
    `${link} ${mac}`,
    { link, mac, destination: end },
  ])
  return [...new Map(byEnd).values()]
}
