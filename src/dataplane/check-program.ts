import type { NetlinkSocket } from '../netlink/socket.ts'
import { listRules } from '../nftables/list.ts'
import type { ProgramChain } from './program.ts'
import { tableReference } from './table.ts'

/**
 * Whether the chains in the kernel have all their rules: without them no packet meets what the sets say. Lists
 * the rules of this table alone, of which there are the same few whatever the cluster.
 *
 * @returns a sentence for each chain that has not
 */
export function checkProgram(socket: NetlinkSocket, chains: readonly ProgramChain[]): string[] {
  const held = Map.groupBy(listRules(socket, tableReference('sluice')), ({ chain }) => chain)
  if (held.size === 0) return ['There is no table inet sluice, or no rule in it']
  return chains.flatMap(({ name, rules }) => {
    const count = held.get(name)?.length ?? 0
    return count === rules.length
      ? []
      : [`The chain ${name} of table inet sluice has ${count} rules instead of ${rules.length}`]
  })
}
