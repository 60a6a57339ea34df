import { execFileSync } from 'node:child_process'
import { NETLINK_NETFILTER, NETLINK_ROUTE } from '../../src/netlink/constants.ts'
import { type Connection, deleteConnection, listConnections } from '../../src/netlink/conntrack.ts'
import { findLink } from '../../src/netlink/link.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import type { COUNTERS } from '../../src/dataplane/program.ts'

export type CounterName = (typeof COUNTERS)[number]

/** Packets that a named counter of `inet sluice` has counted. */
export function counted(netns: string, name: CounterName): number {
  const text = run(netns, 'nft', 'list', 'counter', 'inet', 'sluice', name)
  return Number(/packets (\d+)/u.exec(text)?.[1])
}

/** Number of elements that `nft` lists in a set or map of `inet sluice`. */
export function elementsOf(netns: string, name: string, kind: 'set' | 'map' = 'set'): number {
  const listed: { nftables: { set?: { elem?: unknown[] }; map?: { elem?: unknown[] } }[] } =
    JSON.parse(run(netns, 'nft', '-j', 'list', kind, 'inet', 'sluice', name))
  return listed.nftables.flatMap((one) => one[kind]?.elem ?? []).length
}

/** Runs `nft` with a file on its standard input. */
export function nft(netns: string, rules: string): void {
  execFileSync('nsenter', [`--net=${netns}`, 'nft', '-f', '-'], {
    input: rules,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** What a program prints that runs in a namespace. */
export function run(netns: string, ...command: readonly string[]): string {
  return execFileSync('nsenter', [`--net=${netns}`, ...command], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

export function connectionsOf(netns: string): Connection[] {
  const socket = openNetlink(NETLINK_NETFILTER, { netns })
  try {
    return listConnections(socket)
  } finally {
    socket.close()
  }
}

/** As `conntrack -D` does, behind the agent's back. Returns how many there were. */
export function forgetConnections(netns: string, which: (one: Connection) => boolean): number {
  const socket = openNetlink(NETLINK_NETFILTER, { netns })
  try {
    const found = listConnections(socket).filter(which)
    socket.requests(found.map(deleteConnection))
    return found.length
  } finally {
    socket.close()
  }
}

/** Hardware address and number of a link, as frames need them. */
export function linkIn(netns: string, name: string): { index: number; mac: string } {
  const socket = openNetlink(NETLINK_ROUTE, { netns })
  try {
    const link = findLink(socket, name)
    if (link === undefined) throw new Error(`There is no link ${name} in ${netns}.`)
    return { index: link.index, mac: link.mac ?? '' }
  } finally {
    socket.close()
  }
}
