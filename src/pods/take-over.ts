import { isAttached, isLeaving, type PodRecord } from './record.ts'
import { releaseAll, type ReleaseParts } from './release-all.ts'
import type { HostInterface, Wiring } from './wiring.ts'

export interface TakeOverParts extends ReleaseParts {
  readonly wiring: Pick<Wiring, 'remove' | 'hostInterfaces' | 'hasInterface'>
  /** What the record of an interface would say that has lost it; undefined where nobody knows whose it is. */
  readonly rebuild: (found: HostInterface) => PodRecord | undefined
}

export interface TakenOver {
  /** Attachments that are as an earlier agent left them; their policy has to be in force again. */
  readonly kept: readonly PodRecord[]
  /** Those of them whose record was lost, and is written anew. */
  readonly rebuilt: readonly PodRecord[]
  /** Attachments whose interface had gone, or whose DEL was answered: released. */
  readonly released: readonly PodRecord[]
  /** Interfaces of ours that no record knew, and nobody else: deleted. */
  readonly deleted: readonly string[]
}

/**
 * Makes records, addresses and interfaces agree again after a restart, however the last agent ended. To be
 * called once, before the first ADD.
 *
 * @throws PodNetworkError (recordFailed) when a record that was lost cannot be written; nothing is deleted then.
 * @throws as `releaseAll`.
 */
export async function takeOver(parts: TakeOverParts): Promise<TakenOver> {
  const { ipam, records, wiring } = parts
  const all = records.all()
  const found = wiring.hostInterfaces()
  const present = new Set(found.map(({ name }) => name))
  const isPresent = ({ wiredBy, hostInterface, bridgePort }: PodRecord): boolean =>
    wiredBy === 'chain'
      ? wiring.hasInterface(bridgePort?.name ?? hostInterface)
      : present.has(hostInterface)
  const recorded = all.filter((record) => isAttached(record) && isPresent(record))
  const released = all.filter(
    (record) => isLeaving(record) || (isAttached(record) && !isPresent(record)),
  )
  const rebuilt = rebuildLost(found, parts)
  const kept = [...recorded, ...rebuilt]
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
  return { kept, rebuilt, released, deleted }
}

/**
 * Pods outlive a run directory that somebody wiped, and a record that was damaged: the interface and its routes
 * tell the rest. Where no route leads to it, its ADD never ended or its DEL was answered.
 */
function rebuildLost(
  found: readonly HostInterface[],
  { records, rebuild }: Pick<TakeOverParts, 'records' | 'rebuild'>,
): PodRecord[] {
  const lost = found.filter(
    ({ name, addresses }) => records.get(name) === undefined && addresses.length > 0,
  )
  const rebuilt = lost.flatMap((one) => rebuild(one) ?? [])
  for (const record of rebuilt) records.put(record)
  return rebuilt
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
