import { releaseAll, type ReleaseParts } from './release-all.ts'

/**
 * Undoes all that was done for one attachment, and waits for it. May be repeated: what is gone already is passed
 * over. A link of ours without a record goes as well.
 *
 * @throws as `releaseAll`.
 */
export async function release(id: string, parts: ReleaseParts): Promise<void> {
  const record = parts.records.get(id)
  if (record === undefined || record.releasedAt !== undefined) {
    if (record?.wiredBy !== 'chain') await parts.wiring.remove([record?.hostInterface ?? id])
    return
  }
  await releaseAll([record], parts)
}
