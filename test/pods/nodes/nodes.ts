import type { NodeFacts } from '../../../src/pods/nodes/node-facts.ts'
import { type Address, type Cidr, parseAddress, parseCidr } from '../../../src/policy/address.ts'

export function address(text: string): Address {
  const read = parseAddress(text)
  if (read === undefined) throw new Error(`${text} in a test is no address.`)
  return read
}

export function cidr(text: string): Cidr {
  const read = parseCidr(text)
  if (read === undefined) throw new Error(`${text} in a test is no block.`)
  return read.cidr
}

/** A node with these ranges and addresses, in words. */
export function node(
  name: string,
  podCidrs: readonly string[],
  addresses: readonly string[],
): NodeFacts {
  return { name, podCidrs: podCidrs.map(cidr), addresses: addresses.map(address) }
}
