/** Lines with cells below each other, three spaces apart, as kubectl prints them. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [place, cell] of row.entries()) {
      widths[place] = Math.max(widths[place] ?? 0, cell.length)
    }
  }
  const line = (row: readonly string[]): string =>
    row.map((cell, place) => cell.padEnd(widths[place] ?? 0)).join('   ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}
