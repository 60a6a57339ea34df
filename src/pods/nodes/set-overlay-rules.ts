import { RTPROT_SLUICE } from '../../netlink/route.ts'
import { addRule, deleteRule, listRules, type Rule } from '../../netlink/rule.ts'
import type { NetlinkSocket } from '../../netlink/socket.ts'
import { type Family, formatAddress } from '../../policy/address.ts'
import { difference } from './difference.ts'

const FAMILIES: readonly Family[] = [4, 6]

/** Makes these our routing rules. */
export function setOverlayRules(wanted: readonly Rule[], socket: NetlinkSocket): void {
  const held = FAMILIES.flatMap((family) => listRules(socket, family, RTPROT_SLUICE))
  const { missing, stale } = difference(wanted, held, keyOf)
  for (const rule of stale) socket.request(deleteRule(rule))
  for (const rule of missing) socket.request(addRule(rule))
}

function keyOf({ source, table, priority }: Rule): string {
  return `${priority} ${formatAddress(source.first)}/${source.prefix} ${table}`
}
