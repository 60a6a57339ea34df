import { type Address, type Cidr, type Family, familyOf } from '../../policy/address.ts'

/** A node, as its Node object has it. */
export interface NodeFacts {
  readonly name: string
  readonly podCidrs: readonly Cidr[]
  /** Of a family, the first is the one that the others reach it by. */
  readonly addresses: readonly Address[]
}

/** The address of this family that the node goes by. */
export function addressOf(
  { addresses }: Pick<NodeFacts, 'addresses'>,
  family: Family,
): Address | undefined {
  return addresses.find((address) => familyOf(address) === family)
}
