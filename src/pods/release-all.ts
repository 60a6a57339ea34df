import type { Attachment } from './attachment.ts'
import type { Ipam } from './ipam.ts'
import type { PodRecord } from './record.ts'
import type { Records } from './records.ts'
import type { Wiring } from './wiring.ts'

export interface ReleaseParts {
  readonly ipam: Ipam
  readonly records: Records
  readonly wiring: Pick<Wiring, 'remove'>
  /** Takes the pods' policy and connections out of the kernel; told more than once. */
  readonly enforcement: { detach(attachments: readonly Attachment[]): Promise<void> }
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Undoes all that was done for these attachments, in the order that keeps every instant safe: no link, so no
 * packet, before the policy goes; no policy before the address is anyone else's. After a failure their records
 * still tell the next call what is left.
 *
 * @throws PodNetworkError, or what `enforcement` throws.
 */
export async function releaseAll(
  attachments: readonly PodRecord[],
  { ipam, records, wiring, enforcement, now }: ReleaseParts,
): Promise<void> {
  // What others wired is theirs to take away, and so are its addresses.
  const ours = attachments.filter(({ wiredBy }) => wiredBy === 'sluice')
  if (ours.length > 0) await wiring.remove(ours.map(({ hostInterface }) => hostInterface))
  await enforcement.detach(attachments)
  for (const { id, wiredBy } of attachments) if (wiredBy === 'chain') records.remove(id)
  const releasedAt = now()
  for (const record of ours) {
    keepAtRest({ ...record, releasedAt }, records)
    ipam.free(record.addresses, releasedAt)
  }
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
