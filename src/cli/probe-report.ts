import { type CellKind, matrixText } from '../lab/matrix.ts'
import { probeText } from '../lab/plan-probes.ts'
import type { ProbeResult } from '../lab/probe.ts'
import { type Style, styled, type Terminal } from './terminal.ts'

/** What probes found, for a person: the matrix, each disagreement with its reason, and a count. */
export function probeReport(results: readonly ProbeResult[], terminal: Terminal): string {
  if (results.length === 0) return ''
  const paint = (kind: CellKind, text: string) => styled(terminal, STYLES[kind], text)
  const disagreements = results.filter(({ agreed }) => !agreed)
  const arrived = results.filter(({ actual }) => actual === 'allow').length
  return [
    matrixText(results, { width: WIDTH, paint }),
    ...disagreements.map((result) => `${probeText(result)}: ${result.reason}\n`),
    `${results.length} probes: ${arrived} arrived, ${results.length - arrived} did not; `,
    `${disagreements.length} not as expected.\n`,
  ].join('')
}

/** Columns; a screen narrower than this is rare, and wider tables are hard to read. */
const WIDTH = 100

const STYLES: Readonly<Record<CellKind, Style>> = {
  allow: 'green',
  deny: 'dim',
  partly: 'yellow',
  disagreement: 'red',
  none: 'dim',
}
