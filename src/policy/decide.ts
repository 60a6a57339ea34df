import { type Address, familyOf } from './address.ts'
import { locate } from './locate.ts'
import type { Direction, Protocol } from './model.ts'
import { permits } from './port-set.ts'
import { type ClassId, type Tables, WORLD } from './tables.ts'

/** A new connection between two addresses, after service translation. */
export interface AddressFlow {
  readonly from: Address
  readonly to: Address
  /** `ICMP` stands for every protocol without ports. */
  readonly protocol: Protocol | 'ICMP'
  /** The destination's. */
  readonly port?: number
}

/** Judges a connection in one direction by the tables alone, step by step as the kernel program does. */
export function decide(tables: Tables, direction: Direction, flow: AddressFlow): 'allow' | 'deny' {
  const [subject, peer] = direction === 'ingress' ? [flow.to, flow.from] : [flow.from, flow.to]
  const verdicts = tables.subjects[direction].get(subject)
  if (verdicts === undefined || subject === peer) return 'allow'
  const id = verdicts.rows.get(classOf(tables, peer)) ?? verdicts.default
  const portSet = tables.portSets.get(id)
  return portSet !== undefined && permits(portSet, flow.protocol, flow.port) ? 'allow' : 'deny'
}

/** The class of an address: its pod's, else that of its block, else `WORLD`. */
export function classOf(
  { podClasses, blockClasses }: Pick<Tables, 'podClasses' | 'blockClasses'>,
  address: Address,
): ClassId {
  const own = podClasses.get(address)
  if (own !== undefined) return own
  return locate(blockClasses[familyOf(address)], address)?.class ?? WORLD
}
