import type { ListedElement } from './read-elements.ts'

/**
 * The elements of a listing, each once. While the kernel moves a hash set to a larger table, in the background after
 * a commit, it lists elements that are in both twice (nft_rhash_walk starts again, Linux 6.18).
 */
export function eachOnce(listed: readonly ListedElement[]): ListedElement[] {
  return [...new Map(listed.map((element) => [String(element.key), element])).values()]
}
