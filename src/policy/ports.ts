import type { Port, Protocol } from './model.ts'

/** Ports `first`–`last` of one protocol, both included. */
export interface PortRange {
  readonly protocol: Protocol
  readonly first: Port
  readonly last: Port
}

/** Content of a port set. An allow-list allows what it names; a deny-list denies what it names. */
export interface PortSet {
  readonly kind: 'allow' | 'deny'
  /** Every protocol, ICMP included. The lists below are then empty. */
  readonly all: boolean
  /** Protocols with all their ports, sorted; none of their ports is in `ranges`. */
  readonly protocols: readonly Protocol[]
  /** Sorted by protocol and first port; disjoint and not adjacent. */
  readonly ranges: readonly PortRange[]
}
