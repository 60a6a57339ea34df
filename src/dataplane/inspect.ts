import { isDeepStrictEqual } from 'node:util'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { listChains, type ListedTable, listRules, listTables } from '../nftables/list.ts'
import { decodeState } from './decode-state.ts'
import { DataplaneError } from './errors.ts'
import type { KernelState } from './kernel-state.ts'
import { listWholeSets } from './list-whole-sets.ts'
import type { ProgramChain } from './program.ts'
import { allSets, baseOf, commentOf, type TableName, tableReference } from './table.ts'

/** What the kernel has under our table names. */
export interface FoundTables {
  /** Base chains of each of our tables. */
  readonly baseChains: ReadonlyMap<TableName, readonly string[]>
  /** Tables that judge packets: others are half made or half taken away, without base chains or their rules. */
  readonly inForce: ReadonlySet<TableName>
  /** What `sluice` holds, if it is this very program and undamaged. */
  readonly state: KernelState | undefined
  /** Why `sluice` cannot be taken over as it is; undefined where it can, or is not there. */
  readonly obstacle: string | undefined
}

/**
 * Looks at what an earlier agent left in the kernel.
 *
 * @param ownsTables whether a table without an owner has to be made anew
 */
export async function inspect(
  socket: NetlinkSocket,
  chains: readonly ProgramChain[],
  ownsTables = false,
): Promise<FoundTables> {
  const tables = listTables(socket, 'inet')
  const found = findTables(socket, tables)
  if (!found.inForce.has('sluice')) return { ...found, state: undefined, obstacle: undefined }
  const table = tables.find((one) => one.table === 'sluice')
  const obstacle =
    programObstacle(socket, chains, table?.comment) ??
    (ownsTables && !table?.flags.includes('owner')
      ? 'It was made so that anybody may change it.'
      : undefined)
  if (obstacle !== undefined) return { ...found, state: undefined, obstacle }
  try {
    return { ...found, state: await readState(socket), obstacle: undefined }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { ...found, state: undefined, obstacle: error.message }
  }
}

/** Which tables of ours there are, and where packets enter them. */
export function findTables(
  socket: NetlinkSocket,
  tables: readonly ListedTable[] = listTables(socket, 'inet'),
): Pick<FoundTables, 'baseChains' | 'inForce'> {
  const baseChains = new Map<TableName, readonly string[]>()
  const inForce = new Set<TableName>()
  for (const name of ['sluice', 'sluice_next'] as const) {
    if (!tables.some(({ table }) => table === name)) continue
    const entrances = baseChainsOf(socket, name)
    baseChains.set(name, entrances)
    const rules = listRules(socket, tableReference(name))
    if (rules.some(({ chain }) => entrances.includes(chain))) inForce.add(name)
  }
  return { baseChains, inForce }
}

/** What packets put into sets is no state of ours. */
const stateSets = allSets.filter(({ flags }) => !flags.includes('dynamic'))

/**
 * Dumps the table and reads it.
 *
 * @throws {DataplaneError} SLUICE_TABLE_DAMAGED, and whatever the dump throws
 */
export async function readState(socket: NetlinkSocket): Promise<KernelState> {
  const elements = await listWholeSets(socket, tableReference('sluice'), stateSets)
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
  const held = new Map(listChains(socket, tableReference('sluice')).map((one) => [one.chain, one]))
  const rules = Map.groupBy(listRules(socket, tableReference('sluice')), ({ chain }) => chain)
  const changed = chains.find(
    (chain) =>
      (rules.get(chain.name) ?? []).length !== chain.rules.length ||
      !isDeepStrictEqual(held.get(chain.name)?.base, baseOf(chain)),
  )
  const known = new Set(chains.map(({ name }) => name))
  const name = changed?.name ?? [...held.keys()].find((each) => !known.has(each))
  return name && `Its chain ${name} was changed by somebody else.`
}
