/** The same elements in the same order, beginning with that of this number; after the last comes the first. */
export function rotated<T>(all: readonly T[], by: number): T[] {
  const first = by % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}
