import type { Figure } from './figure.ts'
import type { Section } from './results.ts'
import { short } from './short.ts'

const COLUMNS: readonly (readonly [heading: string, cell: (figure: Figure) => string])[] = [
  ['figure', ({ figure }) => figure],
  ['value', ({ value, unit }) => `${short(value)} ${unit}`],
  ['baseline', ({ baseline, unit }) => (baseline === null ? '' : `${short(baseline)} ${unit}`)],
  ['ratio', ({ ratio }) => (ratio === null ? '' : short(ratio))],
  ['spread', ({ spread }) => `${Math.round(100 * spread)} %`],
  ['goal', ({ goal }) => goal ?? ''],
  ['met', ({ met }) => (met === null ? '' : met ? 'yes' : 'NO')],
]

/** Headings first. */
function rowsOf(figures: readonly Figure[]): string[][] {
  return [
    COLUMNS.map(([heading]) => heading),
    ...figures.map((figure) => COLUMNS.map(([, cell]) => cell(figure))),
  ]
}

/** A table for a terminal. */
export function textTable(figures: readonly Figure[]): string {
  const rows = rowsOf(figures)
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  const lines = rows.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '),
  )
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

/** A table for a Markdown page. @param linkTo from the page to a script */
export function markdownTable(
  sections: readonly Section[],
  linkTo: (script: string) => string,
): string {
  const [headings = []] = rowsOf([])
  const rows = sections.flatMap(({ script, figures }) =>
    rowsOf(figures)
      .slice(1)
      .map(([figure, ...cells]) => [`[${figure}](${linkTo(script)})`, ...cells]),
  )
  const lines = [headings, headings.map(() => '---'), ...rows]
  return lines.map((row) => `| ${row.join(' | ')} |\n`).join('')
}
