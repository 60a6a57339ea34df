import { NetlinkError } from '../../netlink/errors.ts'
import {
  addRoute,
  deleteRoute,
  listRoutes,
  lookUpRoute,
  RT_TABLE_MAIN,
  type Route,
  RTPROT_SLUICE,
} from '../../netlink/route.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import { type Cidr, type Family, formatAddress, formatCidr } from '../../policy/address.ts'
import { difference } from './difference.ts'
import { inSteps } from './in-steps.ts'
import { OVERLAY_TABLE } from './overlays.ts'
import type { FactParts } from './read-facts.ts'

/** A planned route whose link is there. */
export interface NodeRoute extends Route {
  readonly node: string
  readonly destination: Cidr
}

/**
 * Makes these our routes to other nodes, and takes away the others of ours. A route of somebody else is never
 * replaced: it stays in force for its range, and a sentence says so.
 *
 * @returns a sentence for each route that cannot be had
 */
export async function setNodeRoutes(
  wanted: readonly NodeRoute[],
  { socket, yieldToOthers }: FactParts,
): Promise<string[]> {
  const { missing, stale } = difference<NodeRoute, Route>(wanted, heldRoutes(socket), keyOf)
  const before = Map.groupBy(stale, placeOf)
  const problems: string[] = []
  await inSteps(missing, yieldToOthers, (route) => {
    problems.push(...put(route, before.get(placeOf(route)) ?? [], socket))
    before.delete(placeOf(route))
  })
  await inSteps(before.values(), yieldToOthers, (routes) => remove(routes, socket))
  return problems
}

const FAMILIES: readonly Family[] = [4, 6]

/** Pods' own routes have no gateway, nor has that of the free addresses. */
function heldRoutes(socket: NetlinkSocket): Route[] {
  return FAMILIES.flatMap((family) => [
    ...listRoutes(socket, { family, protocol: RTPROT_SLUICE }),
    ...listRoutes(socket, { family, protocol: RTPROT_SLUICE, table: OVERLAY_TABLE }),
  ]).filter(({ gateway }) => gateway !== undefined)
}

/** What may have gone with its link meanwhile is as good as removed. */
function remove(routes: readonly Route[], socket: NetlinkSocket): void {
  for (const route of routes) {
    try {
      socket.request(deleteRoute(route))
    } catch (error) {
      if (!(error instanceof NetlinkError && error.code === 'ESRCH')) throw error
    }
  }
}

/** The old one leaves in the datagram that brings the new one: replacing could hit a route of somebody else. */
function put(route: NodeRoute, before: readonly Route[], socket: NetlinkSocket): string[] {
  const other = foreignRoute(route, socket)
  if (other !== undefined) {
    remove(before, socket)
    return [`${unreachable(route)}: ${other}`]
  }
  try {
    socket.requests([...before.map(deleteRoute), addRoute({ ...route, protocol: RTPROT_SLUICE })])
    return []
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error
    const refusal = error.refusals.find(({ index }) => index === before.length)
    if (refusal === undefined) return []
    return [`${unreachable(route)}: ${refusal.code === 'EEXIST' ? TAKEN : error.message}`]
  }
}

const TAKEN = 'somebody else has a route to them. Sluice makes its own once that is gone.'

/** A sentence about a route to just these addresses that is not ours and goes before. */
function foreignRoute(
  { destination, table }: NodeRoute,
  socket: NetlinkSocket,
): string | undefined {
  if (table !== undefined && table !== RT_TABLE_MAIN) return undefined
  try {
    const found = lookUpRoute(socket, destination.first, { fibMatch: true })
    const same = found.table === RT_TABLE_MAIN && placeOf(found) === placeOf({ destination })
    return same && found.protocol !== RTPROT_SLUICE ? TAKEN : undefined
  } catch (error) {
    if (error instanceof NetlinkError) return undefined
    throw error
  }
}

function unreachable({ node, destination }: NodeRoute): string {
  return `Pods of node ${node} (${formatCidr(destination)}) are not reached by a route of Sluice`
}

/** Where a route is: there is one of ours at most. */
function placeOf({
  destination,
  table = RT_TABLE_MAIN,
}: Pick<Route, 'destination' | 'table'>): string {
  return `${table} ${formatAddress(destination.first)}/${destination.prefix}`
}

function keyOf(route: Route): string {
  return `${placeOf(route)} ${route.gateway} ${route.link} ${route.source}`
}
