import type { Attachment } from './attachment.ts'
import type { Ipam } from './ipam.ts'
import type { PodRecord } from './record.ts'
import type { Records } from './records.ts'
import type { Wiring } from './wiring.ts'

export interface ReleaseParts {
  readonly ipam: Ipam
  readonly records: Records
  readonly wiring: Wiring
  /** Takes the pods' policy and connections out of the kernel; told more than once. */
  readonly enforcement: { detach(attachments: readonly Attachment[]): Promise<void> }
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Undoes all that was done for one attachment, in the order that keeps every instant safe: no link, so no
 * packet, before the policy goes; no policy before the address is anyone else's. May be repeated: what is
 * gone already is passed over, and after a failure the record still tells the next call what is left.
 */
export async function release(id: string, parts: ReleaseParts): Promise<void> {
  const { ipam, records, wiring } = parts
  const record = records.get(id)
  // What others wired is theirs to take away.
  if (record?.wiredBy !== 'chain') await wiring.remove(record?.hostInterface ?? id)
  if (record === undefined || record.releasedAt !== undefined) return
  await parts.enforcement.detach([record])
  // So are its addresses.
  if (record.wiredBy === 'chain') return records.remove(id)
  const releasedAt = parts.now()
  keepAtRest({ ...record, releasedAt }, records)
  ipam.free(record.addresses, releasedAt)
  forgetRested(ipam, records)
}

/**
 * The record stays while the addresses rest, so that a restart does not cut the rest short. Where there is no room
 * for it, it goes at once: a full disk must not keep a pod from leaving.
 */
function keepAtRest(record: PodRecord, records: Records): void {
  try {
    records.put(record)
  } catch {
    records.remove(record.id)
  }
}

function forgetRested(ipam: Ipam, records: Records): void {
  const restedSince = ipam.restedSince()
  for (const { id, releasedAt } of records.all()) {
    if (releasedAt !== undefined && releasedAt <= restedSince) records.remove(id)
  }
}
