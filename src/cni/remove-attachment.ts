import { type Attachment, describe } from '../pods/attachment.ts'
import { leave } from '../pods/leave.ts'
import type { Enforcement } from './enforcement.ts'
import { toCniError } from './errors.ts'
import type { CniParts } from './verbs.ts'

/**
 * Takes an attachment off the network, in turn with all else that concerns it. What takes the kernel long is done
 * in a moment, for all that have left.
 *
 * @throws CniError; then the record says what is left, and it may be tried again.
 */
export async function removeAttachment(
  { id, containerId }: Pick<Attachment, 'id' | 'containerId'>,
  parts: CniParts,
): Promise<void> {
  await parts.inTurn(id, async () => {
    try {
      await leave(id, { ...parts, enforcement: typed(parts.enforcement) })
    } catch (error) {
      const whose = containerId === '' ? id : `container ${containerId}`
      const what = `The network of ${whose} is not removed`
      throw toCniError(error, 'internal', what)
    }
  })
}

function typed(enforcement: Enforcement): Pick<Enforcement, 'detach'> {
  return {
    detach: async (attachments) => {
      try {
        await enforcement.detach(attachments)
      } catch (error) {
        const what = `The policy of ${attachments.map(describe).join(', ')} could not be taken out of the kernel`
        throw toCniError(error, 'enforcementFailed', what)
      }
    },
  }
}
