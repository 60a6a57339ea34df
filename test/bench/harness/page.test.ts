import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { renewPage } from '../../../bench/harness/page.ts'
import type { Results } from '../../../bench/harness/results.ts'

const results: Results = {
  machine: 'Linux on a toaster; quick mode; quiet',
  sections: [
    {
      name: 'group',
      script: 'bench/figures/group.ts',
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
    },
  ],
  distributions: [],
}

const PAGE = 'docs/page.md'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-page-'))
  mkdirSync(join(folder, 'docs'))
  path = join(folder, PAGE)
})

afterEach(() => rmSync(folder, { recursive: true }))

test('figures, each with a link to its script, stand between the marks, again and again; the words around them stay', () => {
  const marks = '<!-- figures: written by `make bench` -->\nold\n<!-- end of figures -->\n'
  writeFileSync(path, `before\n${marks}after\n`)
  renewPage(folder, PAGE, results)
  const once = readFileSync(path, 'utf8')
  renewPage(folder, PAGE, results)
  expect(readFileSync(path, 'utf8')).toBe(once)
  expect(once).toMatchInlineSnapshot(`
    "before
    <!-- figures: written by \`make bench\` -->

    Linux on a toaster; quick mode; quiet.

    | figure | value | baseline | ratio | spread | goal | met |
    | --- | --- | --- | --- | --- | --- | --- |
    | [f](../bench/figures/group.ts) | 1235 ms | 0.0123 ms |  | 13 % | ≤ 1 ms | NO |

    <!-- end of figures -->
    after
    "
  `)
})

test('a page without marks is an error', () => {
  writeFileSync(path, 'words\n')
  expect(() => renewPage(folder, PAGE, results)).toThrow('has no place for figures')
})
