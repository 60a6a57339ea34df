import { attachmentIdOf } from '../pods/attachment.ts'
import { parseAttachmentKey } from './arguments.ts'
import { removeAttachment } from './remove-attachment.ts'
import type { Verb } from './verbs.ts'

/**
 * DEL (CNI specification 1.1.0, section 2): takes a pod's network away. Succeeds when there is nothing left to
 * take, so it may be repeated, and asks neither for the namespace nor for the configuration, since both may be
 * gone or changed since ADD.
 */
export const del: Verb = async (request, parts) => {
  const key = parseAttachmentKey(request.environment)
  await removeAttachment({ id: attachmentIdOf(key), containerId: key.containerId }, parts)
  return ''
}
