import type { Address } from './address.ts'
import type { ObjectKey, Protocol } from './model.ts'

/** One end of a flow: an address, or a pod, which may have several addresses or none yet. */
export type Endpoint =
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'pod'; readonly key: ObjectKey }

/** A new connection from one end to another. `port` is the destination's; ICMP has none. */
export interface Flow {
  readonly from: Endpoint
  readonly to: Endpoint
  readonly protocol: Protocol | 'ICMP'
  readonly port?: number
}
