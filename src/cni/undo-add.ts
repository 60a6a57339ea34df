import { describe } from '../pods/attachment.ts'
import { reasonOf } from '../pods/errors.ts'
import type { PodRecord } from '../pods/record.ts'
import { release } from '../pods/release.ts'
import { CniError, toCniError } from './errors.ts'
import type { CniParts } from './verbs.ts'

/** Leaves nothing of a failed ADD, and gives the error to answer with. */
export async function undoAdd(
  record: PodRecord,
  error: unknown,
  parts: CniParts,
): Promise<CniError> {
  const failure = toCniError(error, 'internal', `${describe(record)} got no network`)
  try {
    await release(record.id, parts)
    return failure
  } catch (second) {
    const details = `Nor could it all be undone; DEL will try again: ${reasonOf(second)}`
    return new CniError(failure.kind, failure.message, { details, cause: failure })
  }
}
