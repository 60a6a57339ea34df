import type { NodeFacts } from '../../../src/pods/nodes/node-facts.ts'
import { address, cidr } from '../../policy/literals.ts'

/** A node with these ranges and addresses, in words. */
export function node(
  name: string,
  podCidrs: readonly string[],
  addresses: readonly string[],
): NodeFacts {
  return { name, podCidrs: podCidrs.map(cidr), addresses: addresses.map(address) }
}
