/** The known name that a misspelt one most likely means, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  let best: { name: string; edits: number } | undefined
  for (const name of known) {
    const most = Math.min(word.length, name.length) < 4 ? 1 : 2
    if (Math.abs(name.length - word.length) > most) continue
    const edits = distance(lower, name.toLowerCase())
    if (edits <= most && (best === undefined || edits < best.edits)) best = { name, edits }
  }
  // `labels` for `matchLabels` is a usual slip, and far away by letters.
  return best?.name ?? known.find((name) => lower.length > 3 && name.toLowerCase().endsWith(lower))
}

/** Fewest letters to insert, remove or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replace, at(row, j) + 1, at(next, j - 1) + 1))
    }
    row = next
  }
  return at(row, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
