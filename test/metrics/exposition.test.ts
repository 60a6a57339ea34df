import { expect, test } from 'vitest'
import { exposition } from '../../src/metrics/exposition.ts'
import { Family } from '../../src/metrics/family.ts'
import { Histogram } from '../../src/metrics/histogram.ts'
import type { Metric } from '../../src/metrics/metric.ts'

test('a number without labels', () => {
  const metric: Metric<number> = {
    name: 'pods',
    type: 'gauge',
    help: 'Pods.',
    labels: [],
    read: (pods) => [{ labels: [], value: pods }],
  }
  expect(exposition([metric], 7)).toBe('# HELP pods Pods.\n# TYPE pods gauge\npods 7\n')
})

test('labels, and what must be written otherwise in them', () => {
  const metric: Metric<undefined> = {
    name: 'failures_total',
    type: 'counter',
    help: 'A \\ and\na line.',
    labels: ['verb', 'why'],
    read: () => [{ labels: ['ADD', 'a "\\"\nb'], value: 0.5 }],
  }
  expect(exposition([metric], undefined)).toBe(
    [
      '# HELP failures_total A \\\\ and\\na line.',
      '# TYPE failures_total counter',
      'failures_total{verb="ADD",why="a \\"\\\\\\"\\nb"} 0.5',
      '',
    ].join('\n'),
  )
})

test('a histogram for each combination of labels', () => {
  const family = new Family(() => new Histogram([0.1, 1]))
  family.of('ADD', '0').observe(0.5)
  family.of('DEL', '0').observe(2)
  family.of('ADD', '0').observe(0.05)
  const metric: Metric<undefined> = {
    name: 'requests',
    type: 'histogram',
    help: 'Requests.',
    labels: ['verb', 'code'],
    read: () => family.entries().map(([labels, one]) => ({ labels, value: one.read() })),
  }
  expect(exposition([metric], undefined)).toBe(
    [
      '# HELP requests Requests.',
      '# TYPE requests histogram',
      'requests_bucket{verb="ADD",code="0",le="0.1"} 1',
      'requests_bucket{verb="ADD",code="0",le="1"} 2',
      'requests_bucket{verb="ADD",code="0",le="+Inf"} 2',
      'requests_sum{verb="ADD",code="0"} 0.55',
      'requests_count{verb="ADD",code="0"} 2',
      'requests_bucket{verb="DEL",code="0",le="0.1"} 0',
      'requests_bucket{verb="DEL",code="0",le="1"} 0',
      'requests_bucket{verb="DEL",code="0",le="+Inf"} 1',
      'requests_sum{verb="DEL",code="0"} 2',
      'requests_count{verb="DEL",code="0"} 1',
      '',
    ].join('\n'),
  )
})
