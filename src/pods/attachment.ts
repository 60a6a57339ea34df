import { createHash } from 'node:crypto'
import type { Address } from '../policy/address.ts'

/** A pod as the container runtime names it. */
export interface PodIdentity {
  readonly namespace: string
  readonly name: string
  /** '' when the runtime does not say. */
  readonly uid: string
}

/** One interface of one pod, from ADD to DEL. */
export interface Attachment {
  readonly pod: PodIdentity
  readonly containerId: string
  /** The interface's name inside the pod. */
  readonly ifName: string
  /** The name of its other end, on the node. */
  readonly hostInterface: string
  /** At most one a family. */
  readonly addresses: readonly Address[]
}

/** Every interface of ours on the node begins with this, and no other does: the data plane relies on it. */
export const HOST_INTERFACE_PREFIX = 'slc'

/** The node's end of an attachment: the same for the same attachment, at most 15 characters (IFNAMSIZ − 1). */
export function hostInterfaceOf(key: {
  readonly containerId: string
  readonly ifName: string
}): string {
  const digest = createHash('sha256').update(`${key.containerId}/${key.ifName}`).digest('hex')
  return `${HOST_INTERFACE_PREFIX}${digest.slice(0, 12)}`
}

/** For messages: `shop/cart-0 (eth0)`. */
export function describe(attachment: Pick<Attachment, 'pod' | 'ifName'>): string {
  const { pod, ifName } = attachment
  return `${pod.namespace}/${pod.name} (${ifName})`
}
