import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readResults } from '../../../bench/harness/read-results.ts'
import { writePlots } from '../../../bench/plots/write-plots.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const PLOTS = join(ROOT, 'docs', 'plots')

test('the plots of the documentation are those of the results (else run: node bench/draw.ts)', () => {
  const drawn = mkdtempSync(join(tmpdir(), 'sluice-plots-'))
  onTestFinished(() => rmSync(drawn, { recursive: true }))
  writePlots(drawn, readResults(join(ROOT, 'bench', 'results')))
  expect(filesOf(PLOTS)).toEqual(filesOf(drawn))
})

test('every plot is shown, and tells what it shows to who does not see it', () => {
  const page = readFileSync(join(ROOT, 'docs', 'performance.md'), 'utf8')
  const shown = [...page.matchAll(/^!\[.{20,}\]\(plots\/(.*)\)$/gmu)].map(([, file]) => file)
  expect(new Set(shown)).toEqual(new Set(readdirSync(PLOTS)))
})

function filesOf(directory: string): Record<string, string> {
  const names = readdirSync(directory)
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]),
  )
}
