import type { PodRecord } from './record.ts'
import { release, type ReleaseParts } from './release.ts'

export interface TakenOver {
  /** Attachments that are as an earlier agent left them; their policy has to be in force again. */
  readonly kept: readonly PodRecord[]
  /** Attachments whose interface had gone: released. */
  readonly released: readonly PodRecord[]
  /** Interfaces of ours that no record knew: deleted. */
  readonly deleted: readonly string[]
}

/**
 * Makes records, addresses and interfaces agree again after a restart, however the last agent ended. To be
 * called once, before the first ADD.
 */
export async function takeOver(parts: ReleaseParts): Promise<TakenOver> {
  const { ipam, records, wiring } = parts
  const all = records.all()
  const present = new Set(wiring.hostInterfaces())
  const isPresent = ({ wiredBy, hostInterface, bridgePort }: PodRecord): boolean =>
    wiredBy === 'chain'
      ? wiring.hasInterface(bridgePort?.name ?? hostInterface)
      : present.has(hostInterface)
  const live = all.filter(({ releasedAt }) => releasedAt === undefined)
  const released = live.filter((record) => !isPresent(record))
  const kept = live.filter(isPresent)
  const known = new Set(kept.map(({ hostInterface }) => hostInterface))
  const deleted = [...present].filter((name) => !known.has(name))

  // Those at rest first: an address may have a new owner since.
  for (const { addresses, releasedAt } of byTimeOfRelease(all)) {
    ipam.claim(addresses)
    ipam.free(addresses, releasedAt)
  }
  for (const { addresses } of live) ipam.claim(addresses)
  for (const name of deleted) await wiring.remove(name)
  for (const { id } of released) await release(id, parts)
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
