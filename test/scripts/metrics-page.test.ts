import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { metricsPage } from '../../scripts/metrics-page.ts'
import { METRICS } from '../../src/agent/metrics.ts'

test('docs/metrics.md is what the definitions say: npm run docs:metrics', () => {
  const path = join(import.meta.dirname, '../../docs/metrics.md')
  expect(readFileSync(path, 'utf8')).toBe(metricsPage())
})

test('the words around the table name metrics that there are', () => {
  const names = new Set(METRICS.map(({ name }) => name))
  const named = metricsPage().match(/\bsluice_[a-z_]+/g) ?? []
  const unknown = named.filter((name) => !names.has(name.replace(/_(bucket|sum|count)$/, '')))
  expect(unknown).toEqual([])
})
