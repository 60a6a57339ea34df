import type { Address } from '../policy/address.ts'

/** A port of the node by which a port of a pod is reached (capability `portMappings` of CNI's CONVENTIONS.md). */
export interface PortMapping {
  /** 1–65535. */
  readonly hostPort: number
  /** 1–65535. */
  readonly containerPort: number
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  /** The node's address that it is for; all of a family where it is 0.0.0.0 or ::, all of both without. */
  readonly hostIp: Address | undefined
}
