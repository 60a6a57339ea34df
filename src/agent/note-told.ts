import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { ToldPod } from '../cluster/local-pods.ts'
import { describe } from '../pods/attachment.ts'
import { isAttached } from '../pods/record.ts'
import type { Records } from '../pods/records.ts'
import { lastToldOf } from './last-told.ts'

/**
 * Keeps in the record of an attachment what the source says of its pod, for the next agent: the source may have
 * forgotten the pod by then. Writes only what is news. Of a pod that the source told of before its ADD, ADD's own
 * record has it.
 */
export function noteTold(
  id: string,
  told: ToldPod,
  { records, log }: { readonly records: Records; readonly log: Logger },
): void {
  const record = records.get(id)
  const lastTold = lastToldOf(told)
  if (record === undefined || !isAttached(record)) return
  if (isDeepStrictEqual(record.lastTold, lastTold)) return
  try {
    records.put({ ...record, lastTold })
  } catch (error) {
    log.warn(
      { event: 'record.behind', err: error },
      `The record of ${describe(record)} has not its present labels. Should the source forget the pod before it has told of it again, an agent that starts then goes by the labels of before`,
    )
  }
}
