import { attachmentIdOf } from '../pods/attachment.ts'
import { release } from '../pods/release.ts'
import { parseAttachmentKey } from './arguments.ts'
import { toCniError } from './errors.ts'
import type { Verb } from './verbs.ts'

/**
 * DEL: takes a pod's network away. Succeeds when there is nothing left to take, so it may be repeated, and asks
 * neither for the namespace nor for the configuration, since both may be gone or changed since ADD.
 */
export const del: Verb = async (request, parts) => {
  const key = parseAttachmentKey(request.environment)
  const id = attachmentIdOf(key)
  return parts.inTurn(id, async () => {
    try {
      await release(id, parts)
    } catch (error) {
      throw toCniError(
        error,
        'internal',
        `The network of container ${key.containerId} is not removed`,
      )
    }
    return ''
  })
}
