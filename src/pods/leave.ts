import type { Reaper } from './reaper.ts'
import { isAttached, isLeaving, type PodRecord } from './record.ts'
import { release } from './release.ts'
import type { ReleaseParts } from './release-all.ts'
import type { Wiring } from './wiring.ts'

export interface LeaveParts extends ReleaseParts {
  readonly wiring: Pick<Wiring, 'remove' | 'disconnect'>
  readonly reaper: Pick<Reaper, 'expect'>
}

/**
 * Takes a pod off the network, and leaves to the reaper what takes the kernel long. From here on packets for it are
 * answered as unreachable; its own are held to its policy until its link is gone. May be repeated.
 *
 * @throws as `releaseAll`.
 */
export async function leave(id: string, parts: LeaveParts): Promise<void> {
  const record = parts.records.get(id)
  if (record !== undefined && isLeaving(record)) return
  if (record === undefined || !isAttached(record) || record.wiredBy === 'chain') {
    return release(id, parts)
  }
  if (!cutOff(record, parts)) return release(id, parts)
  parts.reaper.expect()
}

/** @returns false where it cannot be, or cannot be noted so that the next agent goes on should this one die. */
function cutOff(record: PodRecord, { records, wiring, now }: LeaveParts): boolean {
  try {
    wiring.disconnect(record.addresses)
    records.put({ ...record, leftAt: now() })
    return true
  } catch {
    return false
  }
}
