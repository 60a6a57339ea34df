/** What can go wrong with a pod's network; the CNI gives each its code. */
export type PodNetworkFault =
  /** Every address of a family is in use. */
  | 'addressesExhausted'
  /** The address asked for is in use, cooling down or of no range. */
  | 'addressUnavailable'
  /** Another pod of this node has the port of the node that is asked for. */
  | 'hostPortTaken'
  /** An interface of that name is there already. */
  | 'interfaceExists'
  /** The namespace of the pod cannot be opened. */
  | 'namespaceGone'
  /** Its packets go a way on which policy cannot be enforced. */
  | 'notEnforceable'
  /** The namespace of the pod is that of the node. */
  | 'namespaceOfNode'
  /** The kernel refused an interface, address, route, neighbour or setting. */
  | 'wiringFailed'
  /** A record cannot be written or removed. */
  | 'recordFailed'

export class PodNetworkError extends Error {
  override readonly name = 'PodNetworkError'
  readonly fault: PodNetworkFault

  constructor(fault: PodNetworkFault, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.fault = fault
  }
}

/** The text of anything thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
