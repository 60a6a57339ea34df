import { createHash } from 'node:crypto'
import type { Address } from '../policy/address.ts'
import type { PortMapping } from './port-mapping.ts'

/** A pod as the container runtime names it. */
export interface PodIdentity {
  readonly namespace: string
  readonly name: string
  /** '' when the runtime does not say. */
  readonly uid: string
}

/** A pod's place on a bridge that others made. */
export interface BridgePort {
  /** The node's end of the pod's link. */
  readonly name: string
  /** Of the pod's end. */
  readonly mac: string
}

/** One interface of one pod, from ADD to DEL. */
export interface Attachment {
  /** Of container and interface: `attachmentIdOf`. */
  readonly id: string
  /** Name of the network configuration that it belongs to. */
  readonly network: string
  readonly pod: PodIdentity
  /** '' after the record was lost: then the id alone tells whose it is. */
  readonly containerId: string
  /** The interface's name inside the pod; '' after the record was lost. */
  readonly ifName: string
  /** The interface by which its packets come to the node; its name is the id where we made it. */
  readonly hostInterface: string
  /** Where a plugin before us wired it to a bridge, which then is the interface: its port there. */
  readonly bridgePort?: BridgePort | undefined
  /** At most one a family where we gave them. */
  readonly addresses: readonly Address[]
  /** Ports of the node that lead to it. */
  readonly portMappings: readonly PortMapping[]
  /** Who made the link and gave the addresses: we, or a plugin before us in a chain. */
  readonly wiredBy: 'sluice' | 'chain'
}

/** Every interface of ours on the node begins with this, and no other does: the data plane relies on it. */
export const HOST_INTERFACE_PREFIX = 'slc'

/**
 * The same for the same interface of the same container. Names the node's end of the links that we make, so it
 * has at most 15 characters (IFNAMSIZ − 1).
 */
export function attachmentIdOf(key: {
  readonly containerId: string
  readonly ifName: string
}): string {
  const digest = createHash('sha256').update(`${key.containerId}/${key.ifName}`).digest('hex')
  return `${HOST_INTERFACE_PREFIX}${digest.slice(0, 12)}`
}

/** Whether its interface is one that others made, for it alone: nothing else may come from there. */
export function ownsChainedInterface({
  wiredBy,
  bridgePort,
}: Pick<Attachment, 'wiredBy' | 'bridgePort'>): boolean {
  return wiredBy === 'chain' && bridgePort === undefined
}

/** For messages: `shop/cart-0 (eth0)`. */
export function describe(attachment: Pick<Attachment, 'pod' | 'ifName'>): string {
  const { pod, ifName } = attachment
  const name = `${pod.namespace}/${pod.name}`
  return ifName === '' ? name : `${name} (${ifName})`
}
