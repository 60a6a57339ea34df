import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { renewPage } from '../../../bench/harness/page.ts'
import type { Results } from '../../../bench/harness/results.ts'

const results: Results = {
  machine: 'Linux on a toaster',
  mode: 'quick',
  quiet: true,
  noise: 'quiet',
  figures: [
    {
      figure: 'f',
      value: 1234.5,
      unit: 'ms',
      baseline: 0.012345,
      ratio: null,
      goal: '≤ 1 ms',
      met: false,
      spread: 0.126,
    },
  ],
}

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-page-'))
  path = join(folder, 'page.md')
})

afterEach(() => rmSync(folder, { recursive: true }))

test('figures stand between the marks, again and again, and the words around them stay', () => {
  const marks = '<!-- figures: written by `make bench` -->\nold\n<!-- end of figures -->\n'
  writeFileSync(path, `before\n${marks}after\n`)
  renewPage(path, results)
  const once = readFileSync(path, 'utf8')
  renewPage(path, results)
  expect(readFileSync(path, 'utf8')).toBe(once)
  expect(once).toMatchInlineSnapshot(`
    "before
    <!-- figures: written by \`make bench\` -->

    Linux on a toaster; quick mode; quiet.

    | figure | value | baseline | ratio | spread | goal | met |
    | --- | --- | --- | --- | --- | --- | --- |
    | f | 1235 ms | 0.0123 ms |  | 13 % | ≤ 1 ms | NO |

    <!-- end of figures -->
    after
    "
  `)
})

test('a page without marks is an error', () => {
  writeFileSync(path, 'words\n')
  expect(() => renewPage(path, results)).toThrow('has no place for figures')
})
