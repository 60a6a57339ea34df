import { dot, lineY, type PlotOptions, ruleY, text } from '@observablehq/plot'
import { COLOURS } from './colours.ts'
import { named } from './named.ts'
import type { PlotData } from './plot-data.ts'

interface Point {
  readonly series: string
  readonly policies: number
  readonly rate: number
}

/** How many connections a second a pod can be sent, by the number of policies that select it. */
export function connectionsPlot({ figures }: PlotData): PlotOptions {
  const found = named(figures, ({ figure }) => figure, PATTERN)
  const points = found.flatMap(({ of: { value, baseline }, parts }): Point[] => {
    const policies = Number(parts['policies'])
    if (parts['usual'] !== undefined) return [{ series: 'usual layout', policies, rate: value }]
    return [
      { series: 'Sluice', policies, rate: value },
      { series: 'connection tracking only', policies, rate: baseline ?? 0 },
    ]
  })
  const last = Object.keys(SERIES).flatMap(
    (series) => points.findLast((point) => point.series === series) ?? [],
  )
  const place = { x: 'policies', y: 'rate' } as const
  const colour = ({ series }: Point): string => SERIES[series] ?? COLOURS.grey
  return {
    height: 340,
    marginLeft: 60,
    marginRight: 160,
    marginTop: 30,
    x: { type: 'log', label: 'policies that select the pod', ticks: TICKS, tickFormat: ',' },
    y: { label: 'new TCP connections per second', grid: true, zero: true },
    marks: [
      ruleY([0]),
      lineY(points, { ...place, stroke: colour, z: 'series', strokeWidth: 2 }),
      dot(points, { ...place, fill: colour, r: 3.5 }),
      text(last, { ...place, text: 'series', fill: colour, textAnchor: 'start', dx: 9 }),
    ],
  }
}

const PATTERN =
  /^New connections, (?<policies>\d+) policies(?<usual>, usual layout)?, against tracking$/u
const TICKS = [10, 100, 1_000, 10_000]
const SERIES: Readonly<Record<string, string>> = {
  Sluice: COLOURS.blue,
  'connection tracking only': COLOURS.grey,
  'usual layout': COLOURS.orange,
}
