import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as v from 'valibot'
import { compact } from '../../../bench/harness/compact.ts'
import { figureOf } from '../../../bench/harness/figure.ts'
import { writeResults } from '../../../bench/harness/write-results.ts'

const number = v.pipe(v.number(), v.finite())

/** What others read: these keys and no others. */
const latest = v.strictObject({
  machine: v.string(),
  figures: v.array(
    v.strictObject({
      figure: v.string(),
      value: number,
      unit: v.string(),
      baseline: v.nullable(number),
      ratio: v.nullable(number),
      goal: v.nullable(v.string()),
      met: v.nullable(v.boolean()),
      spread: number,
    }),
  ),
})

test('latest.json has exactly the shape that is promised', () => {
  const directory = scratch()
  const goal = { of: 'ratio', atMost: 1 } as const
  const figures = [
    figureOf({ figure: 'paired', unit: 'ms', share: 0.5, ours: [[1]], baseline: [[2]], goal }),
    figureOf({ figure: 'of nothing', unit: 'ms', share: 'mean', ours: [[0]], baseline: [[0]] }),
    figureOf({ figure: 'alone', unit: 'MiB', share: 0.99, ours: [[1], [2]] }),
  ]
  const section = { name: 'group', script: 'bench/figures/group.ts', figures }
  writeResults(directory, { machine: 'a toaster', sections: [section], distributions: [] })
  const written: unknown = JSON.parse(readFileSync(join(directory, 'latest.json'), 'utf8'))
  expect(v.parse(latest, written).figures).toEqual(figures)
})

test('what is in the repository has it too', () => {
  const path = join(import.meta.dirname, '../../../bench/results/latest.json')
  expect(() => v.parse(latest, JSON.parse(readFileSync(path, 'utf8')))).not.toThrow()
})

test('distributions are written in order, with the digits that count', () => {
  const directory = scratch()
  const distributions = [
    compact({ name: 'a', unit: 'ms', samples: [30.123456, 2, 0.12345] }),
    { name: 'b', unit: 'ms', samples: [] },
  ]
  writeResults(directory, { machine: 'a toaster', sections: [], distributions })
  expect(readFileSync(join(directory, 'distributions.json'), 'utf8')).toBe(
    '[\n{"name":"a","unit":"ms","samples":[0.123,2,30.1]},\n{"name":"b","unit":"ms","samples":[]}\n]\n',
  )
})

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-results-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  return directory
}
