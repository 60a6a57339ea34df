import { isAttached, isLeaving, type PodRecord } from './record.ts'
import { releaseAll, type ReleaseParts } from './release-all.ts'
import type { Wiring } from './wiring.ts'

export interface TakeOverParts extends ReleaseParts {
  readonly wiring: Pick<Wiring, 'remove' | 'hostInterfaces' | 'hasInterface'>
}

export interface TakenOver {
  /** Attachments that are as an earlier agent left them; their policy has to be in force again. */
  readonly kept: readonly PodRecord[]
  /** Attachments whose interface had gone, or whose DEL was answered: released. */
  readonly released: readonly PodRecord[]
  /** Interfaces of ours that no record knew: deleted. */
  readonly deleted: readonly string[]
}

/**
 * Makes records, addresses and interfaces agree again after a restart, however the last agent ended. To be
 * called once, before the first ADD.
 */
export async function takeOver(parts: TakeOverParts): Promise<TakenOver> {
  const { ipam, records, wiring } = parts
  const all = records.all()
  const present = new Set(wiring.hostInterfaces())
  const isPresent = ({ wiredBy, hostInterface, bridgePort }: PodRecord): boolean =>
    wiredBy === 'chain'
      ? wiring.hasInterface(bridgePort?.name ?? hostInterface)
      : present.has(hostInterface)
  const kept = all.filter((record) => isAttached(record) && isPresent(record))
  const released = all.filter(
    (record) => isLeaving(record) || (isAttached(record) && !isPresent(record)),
  )
  const known = new Set([...kept, ...released].map(({ hostInterface }) => hostInterface))
  const deleted = [...present].filter((name) => !known.has(name))

  // Those at rest first, those in use last: an address may have a new owner since.
  for (const { addresses, releasedAt } of byTimeOfRelease(all)) {
    ipam.claim(addresses)
    ipam.free(addresses, releasedAt)
  }
  for (const { addresses } of released) ipam.claim(addresses)
  if (deleted.length > 0) await wiring.remove(deleted)
  if (released.length > 0) await releaseAll(released, parts)
  for (const { addresses } of kept) ipam.claim(addresses)
  return { kept, released, deleted }
}

function byTimeOfRelease(
  records: readonly PodRecord[],
): { addresses: PodRecord['addresses']; releasedAt: number }[] {
  return records
    .flatMap(({ addresses, releasedAt }) =>
      releasedAt === undefined ? [] : [{ addresses, releasedAt }],
    )
    .sort((a, b) => a.releasedAt - b.releasedAt)
}
