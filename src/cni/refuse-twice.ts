import { attachmentIdOf, describe } from '../pods/attachment.ts'
import type { AttachmentKey } from './arguments.ts'
import { CniError } from './errors.ts'
import type { CniParts } from './verbs.ts'

/** A runtime must not add twice without a DEL between (CNI specification, ADD). @throws CniError (interfaceExists). */
export function refuseTwice(asked: AttachmentKey, { records }: Pick<CniParts, 'records'>): void {
  const existing = records.get(attachmentIdOf(asked))
  if (existing === undefined || existing.releasedAt !== undefined) return
  throw new CniError(
    'interfaceExists',
    `Container ${asked.containerId} already has ${describe(existing)}; DEL it first`,
  )
}
