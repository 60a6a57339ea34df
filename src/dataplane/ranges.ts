import { type Cidr, type Family, familyOf } from '../policy/address.ts'
import { FAMILIES, type AddressRange, type KernelState, type Operation } from './kernel-state.ts'

export type Ranges = KernelState['ranges']

/** Blocks of this node's pods, of what they reach with their own addresses, and of the ends of tunnels, as the sets hold them. */
export function rangesOf(
  pods: readonly Cidr[],
  cluster: readonly Cidr[],
  tunnelEnds: readonly Cidr[] = [],
): Ranges {
  return { pods: joined(pods), cluster: joined(cluster), tunnelEnds: joined(tunnelEnds) }
}

/** The assignments that make these the ranges in the kernel. */
export function rangeOperations({ pods, cluster, tunnelEnds }: Ranges): Operation[] {
  return FAMILIES.flatMap((family) => [
    { kind: 'ranges', of: 'cluster', family, ranges: cluster[family] },
    { kind: 'ranges', of: 'pods', family, ranges: pods[family] },
    { kind: 'ranges', of: 'tunnelEnds', family, ranges: tunnelEnds[family] },
  ])
}

function joined(blocks: readonly Cidr[]): Record<Family, readonly AddressRange[]> {
  const of = (family: Family): readonly AddressRange[] =>
    join(blocks.filter(({ first }) => familyOf(first) === family))
  return { 4: of(4), 6: of(6) }
}

/** Disjoint and ascending: the kernel refuses intervals that overlap. */
function join(ranges: readonly AddressRange[]): AddressRange[] {
  const result: AddressRange[] = []
  for (const { first, last } of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const before = result.at(-1)
    if (before === undefined || first > before.last) result.push({ first, last })
    else if (last > before.last) result[result.length - 1] = { first: before.first, last }
  }
  return result
}
