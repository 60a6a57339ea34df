import { contains, familyOf, formatCidr, ip4, ip6, parseCidr, blockOf } from '../policy/address.ts'
import type { Address, Cidr, Family } from '../policy/address.ts'

/** Which addresses a lab gives out: one range a family, for the families that it uses. */
export interface AddressPlan {
  /** Of the link that joins the nodes and the outside world. */
  readonly nodes: readonly Cidr[]
  /** Divided among the nodes. */
  readonly pods: readonly Cidr[]
}

/** Ranges that `kind` uses too, so that addresses of a lab look familiar. */
export const NODE_RANGES: readonly string[] = ['172.18.0.0/24', 'fc00:f853:ccd:e793::/64']
export const POD_RANGES: readonly string[] = ['10.244.0.0/16', 'fd00:10:244::/56']

/** Length of the part of a pod range that one node gets. */
const PART_PREFIX: Readonly<Record<Family, number>> = { 4: 24, 6: 64 }

/** Places within the link range. */
const OUTSIDE_HOST = 1
const FIRST_NODE_HOST = 11

/** What one node is given: an element a family. */
export interface NodeAddresses {
  readonly own: readonly Address[]
  readonly podCidrs: readonly Cidr[]
}

/**
 * The plan for these families, from ranges as text.
 *
 * @throws Error that names the range that cannot be read, or the family that has none.
 */
export function addressPlan(
  families: readonly Family[],
  nodeRanges: readonly string[] = NODE_RANGES,
  podRanges: readonly string[] = POD_RANGES,
): AddressPlan {
  return { nodes: pick(families, nodeRanges, 'node'), pods: pick(families, podRanges, 'pod') }
}

/** Addresses of the node with this place in the list of nodes. Throws when a range is too small. */
export function nodeAddresses(plan: AddressPlan, place: number): NodeAddresses {
  return {
    own: plan.nodes.map((range) => host(range, FIRST_NODE_HOST + place)),
    podCidrs: plan.pods.map((range) => part(range, place)),
  }
}

/** The address by which nodes and the outside world reach each other, an element a family. */
export function outsideGateways(plan: AddressPlan): readonly Address[] {
  return plan.nodes.map((range) => host(range, OUTSIDE_HOST))
}

/** What kind of range an address lies in, if it is not one of the outside world. */
export function rangeOf(plan: AddressPlan, address: Address): 'node' | 'pod' | undefined {
  if (plan.nodes.some((range) => contains(range, address))) return 'node'
  return plan.pods.some((range) => contains(range, address)) ? 'pod' : undefined
}

function pick(families: readonly Family[], texts: readonly string[], what: string): Cidr[] {
  const cidrs = texts.map((text) => {
    const reading = parseCidr(text)
    if (reading !== undefined) return reading.cidr
    throw new Error(`The ${what} range ${text} is no CIDR. Write it like 10.0.0.0/16.`)
  })
  return families.map((family) => {
    const cidr = cidrs.find(({ first }) => familyOf(first) === family)
    if (cidr !== undefined) return cidr
    throw new Error(`There is no IPv${family} ${what} range. Name one, or leave IPv${family} out.`)
  })
}

function host(range: Cidr, index: number): Address {
  const address = offset(range.first, index)
  // The last address of an IPv4 range is its broadcast address.
  if (address < range.last) return address
  throw new Error(`The node range ${formatCidr(range)} is too small for so many nodes.`)
}

function part(range: Cidr, index: number): Cidr {
  const family = familyOf(range.first)
  const prefix = PART_PREFIX[family]
  const size = 2n ** BigInt((family === 4 ? 32 : 128) - prefix)
  const first = offset(range.first, BigInt(index) * size)
  if (range.prefix <= prefix && first <= range.last) return blockOf(first, prefix)
  throw new Error(
    `The pod range ${formatCidr(range)} is too small: every node needs a /${prefix} of it.`,
  )
}

function offset(address: Address, by: number | bigint): Address {
  return typeof address === 'number' ? ip4(address + Number(by)) : ip6(address + BigInt(by))
}
