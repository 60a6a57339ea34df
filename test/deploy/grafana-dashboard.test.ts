import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { METRICS } from '../../src/agent/metrics.ts'

const Panel = v.object({
  id: v.number(),
  title: v.pipe(v.string(), v.minLength(1)),
  gridPos: v.object({ x: v.number(), y: v.number(), w: v.number(), h: v.number() }),
  targets: v.optional(v.array(v.object({ refId: v.string(), expr: v.string() })), []),
})
const Variable = v.object({ name: v.string(), definition: v.optional(v.string(), '') })
const Dashboard = v.object({
  panels: v.array(Panel),
  templating: v.object({ list: v.array(Variable) }),
})

const path = join(import.meta.dirname, '../../deploy/grafana-dashboard.json')
const dashboard = v.parse(Dashboard, JSON.parse(readFileSync(path, 'utf8')))
const expressions = [
  ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => (definition === '' ? [] : [definition])),
]

/** Every series that an agent has, and the labels of it: those of its metric, and those of whoever scrapes. */
const series = new Map(
  METRICS.flatMap(({ name, type, labels }): [string, readonly string[]][] => {
    const all = [...labels, 'instance', 'job']
    if (type !== 'histogram') return [[name, all]]
    return [
      [`${name}_bucket`, [...all, 'le']],
      [`${name}_sum`, all],
      [`${name}_count`, all],
    ]
  }),
)

describe.each(expressions)('%s', (expression) => {
  const named = expression.match(/\b(sluice|process)_[a-z_]+/g) ?? []

  test('asks for metrics that there are', () => {
    expect(named).not.toEqual([])
    expect(named.filter((name) => !series.has(name))).toEqual([])
  })

  test('by labels that they have', () => {
    const known = new Set(named.flatMap((name) => series.get(name) ?? []))
    const matched = [...expression.matchAll(/([a-z]+)(?:=~?|!~|!=)"/g)].map(([, label]) => label)
    const grouped = [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
      list.split(', '),
    )
    expect([...matched, ...grouped].filter((label) => !known.has(label ?? ''))).toEqual([])
  })

  test('of the nodes that are chosen', () => {
    const chooses = expression.includes('instance=~"$instance"')
    expect(chooses || expression.startsWith('label_values(')).toBe(true)
  })
})

test('shows every metric', () => {
  const shown = new Set(expressions.join(' ').match(/\b(sluice|process)_[a-z_]+/g))
  const missing = METRICS.filter(({ name, type }) =>
    type === 'histogram'
      ? !shown.has(`${name}_bucket`) && !shown.has(`${name}_count`)
      : !shown.has(name),
  )
  expect(missing.map(({ name }) => name)).toEqual([])
})

test('panels are told apart, and none lies on another', () => {
  const { panels } = dashboard
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const overlapping = panels.flatMap((a) =>
    panels.filter((b) => {
      const [one, other] = [a.gridPos, b.gridPos]
      const aside = one.x + one.w <= other.x || other.x + other.w <= one.x
      const apart = one.y + one.h <= other.y || other.y + other.h <= one.y
      return a.id < b.id && !aside && !apart
    }),
  )
  expect(overlapping).toEqual([])
  expect(panels.filter(({ gridPos }) => gridPos.x + gridPos.w > 24)).toEqual([])
})
