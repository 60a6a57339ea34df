import type { NetlinkSocket } from '../netlink/socket.ts'
import { listElements, listSets, type ListedSet } from '../nftables/list.ts'
import { type AnyElement, describeSet, type SetNode } from '../nftables/set.ts'
import type { TableReference } from '../nftables/transaction.ts'
import { DataplaneError } from './errors.ts'

/** A listing that lacks something takes at least a millisecond: the kernel gets a second and more to be done. */
const MAX_ROUNDS = 1000

/**
 * The elements of these sets, all of them. While the kernel moves a hash set to a larger table, in the background
 * after a commit, it leaves elements out of a listing and does not say so: 3,050 of 200,000 were seen missing right
 * after they had been added (Linux 6.18). So what it lists is held against what it counts, and listed again.
 *
 * @throws {DataplaneError} SLUICE_TABLE_DAMAGED when the two never agree
 */
export async function listWholeSets(
  socket: NetlinkSocket,
  table: TableReference,
  sets: readonly SetNode[],
): Promise<ReadonlyMap<SetNode, readonly AnyElement[]>> {
  const elements = new Map<SetNode, readonly AnyElement[]>()
  let open = sets
  for (let round = 0; open.length > 0; round++) {
    const [first] = open
    if (first !== undefined && round === MAX_ROUNDS) {
      throw new DataplaneError(
        'SLUICE_TABLE_DAMAGED',
        `${describeSet(first)} of table inet sluice has more elements than the kernel lists; the table is built anew.`,
      )
    }
    for (const set of open) elements.set(set, await listElements(socket, table, set))
    open = incompleteSets(elements, listSets(socket, table))
  }
  return elements
}

/** Those that hold more than was listed. Intervals are in no hash table, and what times out goes by itself. */
export function incompleteSets(
  listed: ReadonlyMap<SetNode, readonly AnyElement[]>,
  counted: readonly Pick<ListedSet, 'set' | 'count'>[],
): SetNode[] {
  const counts = new Map(counted.map(({ set, count }) => [set, count]))
  return [...listed.keys()].filter((set) => {
    const moves = !set.flags.includes('interval') && !set.flags.includes('timeout')
    return moves && (listed.get(set)?.length ?? 0) < (counts.get(set.name) ?? 0)
  })
}
