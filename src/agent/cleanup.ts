import { rm } from 'node:fs/promises'
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../netlink/constants.ts'
import { deleteLink, listLinks } from '../netlink/link.ts'
import { deleteRoute, listRoutes, RTPROT_SLUICE } from '../netlink/route.ts'
import { type NetlinkSocket, openNetlink } from '../netlink/socket.ts'
import { commit } from '../nftables/commit.ts'
import { listChains, listTables } from '../nftables/list.ts'
import { Transaction } from '../nftables/transaction.ts'
import { BRIDGE_TABLE } from '../dataplane/bridge-table.ts'
import { removal, type TableName, tableReference } from '../dataplane/table.ts'
import { FAMILIES } from '../dataplane/kernel-state.ts'
import { HOST_INTERFACE_PREFIX } from '../pods/attachment.ts'
import { removeOverlayLinks } from '../pods/nodes/set-overlay-links.ts'
import { setOverlayRules } from '../pods/nodes/set-overlay-rules.ts'

/**
 * Takes away everything that Sluice ever made in the network namespace of this thread, and its files. Pods lose
 * their links first, so that none is ever without policy. May be repeated.
 *
 * @returns what was removed, a phrase each
 */
export async function cleanUp(files: readonly string[]): Promise<readonly string[]> {
  const removed = [...removeLinks(), ...removeTables()]
  for (const file of files) await rm(file, { recursive: true, force: true })
  return removed
}

function removeLinks(): string[] {
  const socket = openNetlink(NETLINK_ROUTE)
  try {
    const links = listLinks(socket).filter(({ name }) => name.startsWith(HOST_INTERFACE_PREFIX))
    for (const { index } of links) socket.request(deleteLink(index))
    setOverlayRules([], socket)
    const overlays = removeOverlayLinks(new Set(), socket)
    // Those through the links above have gone with them.
    const routes = FAMILIES.flatMap((family) =>
      listRoutes(socket, { family, protocol: RTPROT_SLUICE }),
    )
    for (const route of routes) socket.request(deleteRoute(route))
    const names = [...links.map(({ name }) => name), ...overlays]
    return [...names.map((name) => `interface ${name}`), ...routes.map(() => 'a route')]
  } finally {
    socket.close()
  }
}

function removeBridgeTable(socket: NetlinkSocket): string[] {
  const tables = listTables(socket, BRIDGE_TABLE.family)
  if (!tables.some(({ table }) => table === BRIDGE_TABLE.table)) return []
  commit(socket, new Transaction(BRIDGE_TABLE).deleteTable())
  return ['table bridge sluice']
}

function removeTables(): string[] {
  const socket = openNetlink(NETLINK_NETFILTER)
  try {
    const ours: readonly TableName[] = ['sluice', 'sluice_next']
    const there = new Set(listTables(socket, 'inet').map(({ table }) => table))
    const found = ours.filter((name) => there.has(name))
    for (const name of found) {
      const chains = listChains(socket, tableReference(name)).filter(({ base }) => base)
      const names = chains.map(({ chain }) => chain)
      for (const transaction of removal(name, names)) commit(socket, transaction)
    }
    return [...found.map((name) => `table inet ${name}`), ...removeBridgeTable(socket)]
  } finally {
    socket.close()
  }
}
