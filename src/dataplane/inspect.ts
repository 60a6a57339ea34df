import type { NetlinkSocket } from '../netlink/socket.ts'
import { listChains, listElements, listRules, listTables } from '../nftables/list.ts'
import type { AnyElement, SetNode } from '../nftables/set.ts'
import { decodeState } from './decode-state.ts'
import { DataplaneError } from './errors.ts'
import type { KernelState } from './kernel-state.ts'
import type { ProgramChain } from './program.ts'
import { allSets, commentOf, type TableName, tableReference } from './table.ts'

/** What the kernel has under our table names. */
export interface FoundTables {
  /** Base chains of each of our tables: one without is half made, and no packet meets it. */
  readonly baseChains: ReadonlyMap<TableName, readonly string[]>
  /** What `sluice` holds, if it is this very program and undamaged. */
  readonly state: KernelState | undefined
  /** Why `sluice` cannot be taken over as it is; undefined where it can, or is not there. */
  readonly obstacle: string | undefined
}

/** Looks at what an earlier agent left in the kernel. */
export async function inspect(
  socket: NetlinkSocket,
  chains: readonly ProgramChain[],
): Promise<FoundTables> {
  const tables = listTables(socket, 'inet')
  const baseChains = new Map<TableName, readonly string[]>()
  for (const name of ['sluice', 'sluice_next'] as const) {
    if (tables.some(({ table }) => table === name)) baseChains.set(name, baseChainsOf(socket, name))
  }
  if ((baseChains.get('sluice') ?? []).length === 0) {
    return { baseChains, state: undefined, obstacle: undefined }
  }
  const comment = tables.find(({ table }) => table === 'sluice')?.comment
  const obstacle = programObstacle(socket, chains, comment)
  if (obstacle !== undefined) return { baseChains, state: undefined, obstacle }
  try {
    return { baseChains, state: await readState(socket), obstacle: undefined }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { baseChains, state: undefined, obstacle: error.message }
  }
}

/**
 * Dumps the table and reads it.
 *
 * @throws {DataplaneError} SLUICE_TABLE_DAMAGED, and whatever the dump throws
 */
export async function readState(socket: NetlinkSocket): Promise<KernelState> {
  const elements = new Map<SetNode, readonly AnyElement[]>()
  for (const set of allSets) {
    elements.set(set, await listElements(socket, tableReference('sluice'), set))
  }
  return decodeState((set) => {
    const found = elements.get(set)
    if (found === undefined)
      throw new DataplaneError('SLUICE_TABLE_DAMAGED', `${set.name} is missing.`)
    return found
  })
}

function baseChainsOf(socket: NetlinkSocket, table: TableName): readonly string[] {
  return listChains(socket, tableReference(table)).flatMap(({ chain, base }) =>
    base === undefined ? [] : [chain],
  )
}

/** Why the table in force is not this program, as a sentence. */
function programObstacle(
  socket: NetlinkSocket,
  chains: readonly ProgramChain[],
  comment: string | undefined,
): string | undefined {
  const expected = commentOf(chains)
  if (comment !== expected) {
    return `It is another program version (${comment ?? 'no comment'} instead of ${expected}).`
  }
  const rules = new Map<string, number>()
  for (const { chain } of listRules(socket, tableReference('sluice'))) {
    rules.set(chain, (rules.get(chain) ?? 0) + 1)
  }
  const changed = chains.find((chain) => (rules.get(chain.name) ?? 0) !== chain.rules.length)
  return changed && `Its chain ${changed.name} was changed by somebody else.`
}
