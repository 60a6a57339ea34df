import type { Address } from './address.ts'

/** The range that holds an address, among disjoint ascending ranges of its family. */
export function locate<R extends { readonly first: Address; readonly last: Address }>(
  ranges: readonly R[],
  address: Address,
): R | undefined {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]
    if (range === undefined) return undefined
    if (address < range.first) high = middle - 1
    else if (address > range.last) low = middle + 1
    else return range
  }
  return undefined
}
