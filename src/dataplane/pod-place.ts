import type { Address } from '../policy/address.ts'
import type { HostPort } from './host-ports.ts'

/** Where a pod of this node is. */
export interface PodPlace {
  readonly addresses: readonly Address[]
  readonly hostInterface: string
  /** Ports of the node that lead to it. */
  readonly hostPorts: readonly HostPort[]
  /** Others made the interface, for this pod alone: nothing else may come from it. */
  readonly ownsChained?: boolean
}
