import { isAttached, type PodRecord } from '../pods/record.ts'
import { release } from '../pods/release.ts'
import type { CniParts } from './verbs.ts'

/**
 * Releases attachments of which neither the namespace nor the interface is there any more: their pod is gone, and
 * its DEL never came. Runtimes that call no GC (containerd) would leave their addresses in use for ever.
 *
 * @param exists whether there is a file
 * @returns those that were released
 * @throws PodNetworkError or whatever enforcement throws; the rest is for the next time.
 */
export async function releaseAbandoned(
  parts: CniParts,
  exists: (path: string) => boolean,
): Promise<readonly PodRecord[]> {
  const { records, wiring } = parts
  const isAbandoned = (record: PodRecord): boolean =>
    isAttached(record) &&
    !exists(record.netns) &&
    !wiring.hasInterface(record.bridgePort?.name ?? record.hostInterface)
  const released: PodRecord[] = []
  for (const { id } of records.all().filter(isAbandoned)) {
    await parts.inTurn(id, async () => {
      // Its ADD may have been under way, or a new one may have come first.
      const record = records.get(id)
      if (record === undefined || !isAbandoned(record)) return
      await release(id, parts)
      released.push(record)
    })
  }
  return released
}
