import type { Attachment, PodIdentity } from '../pods/attachment.ts'
import type { LastTold } from '../pods/record.ts'

/** What the CNI asks of those who put policy into force. */
export interface Enforcement {
  /** For the record of a pod: what the source has said of it so far. */
  lastTold(pod: PodIdentity): LastTold | undefined
  /** When it resolves, the kernel enforces this pod's policy for its addresses and interface. Until then the pod has no link. */
  attach(attachment: Attachment): Promise<void>
  /**
   * When it resolves, nothing in the kernel speaks of these addresses as these pods', tracked connections
   * included. Told more than once, and of attachments that never got as far as `attach`. Costs one listing of all
   * connections, however many they are.
   */
  detach(attachments: readonly Attachment[]): Promise<void>
  /** What of this pod's policy is not in force in the kernel: a sentence for each fault. */
  check(attachment: Attachment): Promise<readonly string[]>
}
