/** What is wanted and not there, and what is there and not wanted, by keys. */
export function difference<Wanted, Held>(
  wanted: readonly Wanted[],
  held: readonly Held[],
  keyOf: (item: Wanted | Held) => string,
): { missing: Wanted[]; stale: Held[] } {
  const wantedKeys = new Set(wanted.map(keyOf))
  const heldKeys = new Set(held.map(keyOf))
  return {
    missing: wanted.filter((item) => !heldKeys.has(keyOf(item))),
    stale: held.filter((item) => !wantedKeys.has(keyOf(item))),
  }
}
