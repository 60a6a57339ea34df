import { NetlinkError } from '../netlink/errors.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { visitElements } from '../nftables/list.ts'
import { hasBounds, type SetNode } from '../nftables/set.ts'
import type { DataplaneParts } from './dataplane.ts'
import type { ForeignChanges } from './foreign-changes.ts'
import type { KernelState } from './kernel-state.ts'
import { isSame } from './mend-elements.ts'
import { tableReference } from './table.ts'
import { identityOf, wantedElement, wantedElements, wantedSets } from './wanted-elements.ts'

export interface AuditParts {
  /** What was committed; it may go on changing. */
  readonly state: KernelState
  /** For listings, which keep their socket from everything else. */
  readonly openListing: () => NetlinkSocket
  readonly dataplane: Pick<DataplaneParts, 'yieldToOthers'>
  /** Gets what differs, which may be only because it has just changed. */
  readonly suspects: Pick<ForeignChanges, 'suspect' | 'suspectSet'>
}

/** Between two turns of the event loop: some milliseconds. */
const STEP_ELEMENTS = 1000

/**
 * Compares the elements of all sets with the state in small steps, so that nobody has to wait for it.
 *
 * @returns how many elements were read
 * @throws {NetlinkError} when the kernel does not list a set that is there
 */
export async function auditSets(parts: AuditParts): Promise<number> {
  const socket = parts.openListing()
  let audited = 0
  try {
    for (const set of wantedSets()) {
      // Intervals are few, and told only by all of them.
      if (hasBounds(set)) parts.suspects.suspectSet(set)
      else audited += await auditSet(set, socket, parts)
    }
  } finally {
    socket.close()
  }
  return audited
}

async function auditSet(set: SetNode, socket: NetlinkSocket, parts: AuditParts): Promise<number> {
  const { state, suspects, dataplane } = parts
  const seen = new Set<string>()
  try {
    await visitElements(socket, tableReference('sluice'), set, (element) => {
      seen.add(identityOf(element))
      const wanted = wantedElement(state, set, element)
      if (wanted === undefined || !isSame(element, wanted)) suspects.suspect(set, element)
    })
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error
    // It is gone, with all that it held.
  }
  let step = 0
  for (const element of wantedElements(state, set)) {
    if (!seen.has(identityOf(element))) suspects.suspect(set, element)
    if (++step % STEP_ELEMENTS === 0) await dataplane.yieldToOthers()
  }
  return seen.size
}
