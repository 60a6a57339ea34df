import { familyOf } from '../policy/address.ts'
import type { ProbeResult } from './probe.ts'

/** How a cell is shown; the legend explains the symbols. */
export type CellKind = 'allow' | 'deny' | 'partly' | 'disagreement' | 'none'

export interface MatrixOptions {
  /** Columns of the screen. */
  readonly width: number
  /** Puts colour on a cell, where there is a screen. */
  readonly paint: (kind: CellKind, text: string) => string
}

/**
 * The results as a table that a person can read: a row for each source, a numbered column for each destination
 * and port. Tables too wide for the screen are cut into several.
 */
export function matrixText(
  results: readonly ProbeResult[],
  { width, paint }: MatrixOptions,
): string {
  const rows = [...new Set(results.map(({ from }) => from))]
  const columns = [...new Set(results.map(columnOf))]
  const cells = Map.groupBy(results, (result) => cellKey(result.from, columnOf(result)))
  const head = Math.max(...rows.map((row) => row.length), 'from'.length) + GAP.length
  const perBlock = Math.max(1, Math.floor((width - head) / COLUMN_WIDTH))
  const lines: string[] = []
  for (let first = 0; first < columns.length; first += perBlock) {
    const block = columns.slice(first, first + perBlock)
    const numbers = block.map((_, index) => `${first + index + 1}`.padStart(COLUMN_WIDTH))
    lines.push(`${'from'.padEnd(head)}${numbers.join('')}`)
    for (const row of rows) {
      const shown = block.map((column) => cellText(cells.get(cellKey(row, column)) ?? [], paint))
      lines.push(`${row.padEnd(head)}${shown.join('')}`.trimEnd())
    }
    lines.push('', ...columnLegend(block, first, width), '')
  }
  const kinds = new Set([...cells.values()].map(kindOf))
  lines.push(
    LEGEND.filter(([kind]) => kinds.has(kind))
      .map(([kind, text]) => paint(kind, text))
      .join('   '),
  )
  return `${lines.join('\n')}\n`
}

const GAP = '  '
const COLUMN_WIDTH = 4

const LEGEND: readonly (readonly [CellKind, string])[] = [
  ['allow', '✓ arrives'],
  ['deny', '· denied'],
  ['partly', '4/6 arrives by that family only'],
  ['disagreement', '! not as expected'],
]

function columnOf({ to, port, protocol }: ProbeResult): string {
  return port === undefined ? `${to} ${protocol}` : `${to} ${port}/${protocol}`
}

function cellKey(row: string, column: string): string {
  return `${row} ${column}`
}

function kindOf(results: readonly ProbeResult[]): CellKind {
  if (results.length === 0) return 'none'
  if (results.some(({ agreed }) => !agreed)) return 'disagreement'
  const allowed = results.filter(({ actual }) => actual === 'allow').length
  return allowed === 0 ? 'deny' : allowed === results.length ? 'allow' : 'partly'
}

function cellText(results: readonly ProbeResult[], paint: MatrixOptions['paint']): string {
  const kind = kindOf(results)
  const through = results.find(({ actual }) => actual === 'allow')
  const symbols: Record<CellKind, string> = {
    allow: '✓',
    deny: '·',
    partly: through === undefined ? '·' : `${familyOf(through.source.address)}`,
    disagreement: '!',
    none: ' ',
  }
  const text = symbols[kind].padStart(COLUMN_WIDTH)
  return kind === 'none' ? text : paint(kind, text)
}

/** As many side by side as there is room for, read down. */
function columnLegend(block: readonly string[], first: number, width: number): string[] {
  const entries = block.map(
    (column, index) => `${`${first + index + 1}`.padStart(COLUMN_WIDTH)} ${column}`,
  )
  const widest = Math.max(...entries.map((entry) => entry.length)) + GAP.length
  const perLine = Math.max(1, Math.floor(width / widest))
  const height = Math.ceil(entries.length / perLine)
  return Array.from({ length: height }, (_, line) =>
    entries
      .filter((_entry, index) => index % height === line)
      .map((entry) => entry.padEnd(widest))
      .join('')
      .trimEnd(),
  )
}
