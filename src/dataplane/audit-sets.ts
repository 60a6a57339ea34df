import { NetlinkError } from '../netlink/errors.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { getElements } from '../nftables/get-elements.ts'
import { elementsInPieces } from '../nftables/list.ts'
import { type AnyElement, hasBounds, type SetNode } from '../nftables/set.ts'
import type { DataplaneParts } from './dataplane.ts'
import type { ForeignChanges } from './foreign-changes.ts'
import type { KernelState } from './kernel-state.ts'
import { faultsOf, isSame } from './mend-elements.ts'
import { type InSlices, slicer } from './slicer.ts'
import { tableReference } from './table.ts'
import { wantedElement, wantedInSteps, wantedSets } from './wanted-elements.ts'

export interface AuditParts {
  /** What was committed; it may go on changing. */
  readonly state: KernelState
  /** For listings, which keep their socket from everything else. */
  readonly openListing: () => NetlinkSocket
  readonly dataplane: Pick<DataplaneParts, 'yieldToOthers'>
  /** Milliseconds of a clock that does not jump. */
  readonly uptime: () => number
  /** Gets what differs, which may be only because it has just changed. */
  readonly suspects: Pick<ForeignChanges, 'suspect' | 'suspectSet'>
}

const TABLE = tableReference('sluice')

/**
 * Compares the elements of all sets with the state in slices of time, so that nobody has to wait for it.
 *
 * @returns how many elements were read
 * @throws {NetlinkError} when the kernel does not list a set that is there
 */
export async function auditSets({ openListing, ...parts }: AuditParts): Promise<number> {
  const { suspects, uptime, dataplane } = parts
  const inSlices = slicer({ uptime, yieldToOthers: dataplane.yieldToOthers })
  const socket = openListing()
  let listed = 0
  try {
    for (const set of wantedSets()) {
      // Intervals are few, and told only by all of them.
      if (hasBounds(set)) suspects.suspectSet(set)
      else {
        listed += await findSurplus(set, { ...parts, socket, inSlices })
        await findMissing(set, { ...parts, socket, inSlices })
      }
    }
  } finally {
    socket.close()
  }
  return listed
}

interface SetAudit extends Pick<AuditParts, 'state' | 'suspects'> {
  readonly socket: NetlinkSocket
  readonly inSlices: InSlices
}

/** Whether the state has all that the kernel lists. Returns how many that are. */
async function findSurplus(
  set: SetNode,
  { state, suspects, socket, inSlices }: SetAudit,
): Promise<number> {
  let listed = 0
  try {
    for await (const piece of elementsInPieces(socket, TABLE, set)) {
      await inSlices(piece, (element) => {
        listed++
        const wanted = wantedElement(state, set, element)
        if (wanted === undefined || !isSame(element, wanted)) suspects.suspect(set, element)
      })
    }
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error
    // It is gone, with all that it held.
  }
  return listed
}

/**
 * Whether the kernel has all that the state has. It is asked, since a listing may lack what is there (`listWholeSets`),
 * and to remember 100,000 elements of one costs collections of garbage that take tens of milliseconds.
 */
async function findMissing(
  set: SetNode,
  { state, suspects, socket, inSlices }: SetAudit,
): Promise<void> {
  await inSlices(batchesOf(wantedInSteps(state, set)), (wanted) => {
    const held = wanted.length > 0 ? getElements(socket, TABLE, set, wanted) : []
    for (const element of faultsOf(set, wanted, held).missing) suspects.suspect(set, element)
  })
}

/** Of the kernel a few at a time are asked, in less than a millisecond. */
const BATCH_STEPS = 64

function* batchesOf(steps: Iterable<readonly AnyElement[]>): Generator<readonly AnyElement[]> {
  let batch: AnyElement[] = []
  let taken = 0
  for (const elements of steps) {
    batch.push(...elements)
    if (++taken % BATCH_STEPS !== 0) continue
    yield batch
    batch = []
  }
  yield batch
}
