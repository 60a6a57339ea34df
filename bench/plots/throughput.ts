import { dot, link, type PlotOptions, ruleX } from '@observablehq/plot'
import { COLOURS } from './colours.ts'
import { legend, type Series } from './legend.ts'
import { named } from './named.ts'
import type { PlotData } from './plot-data.ts'

interface Ratio {
  readonly path: string
  readonly what: string
  readonly against: string
  readonly ratio: number
  readonly from: number
  readonly to: number
}

/** What arrives, as a share of what arrives without policy. */
export function throughputPlot({ figures }: PlotData): PlotOptions {
  const ratios = named(figures, ({ figure }) => figure, PATTERN).map(({ of, parts }): Ratio => {
    const { path = '', what = '', against = '' } = parts
    const ratio = of.ratio ?? 0
    const half = (ratio * of.spread) / 2
    return { path, what, against, ratio, from: ratio - half, to: ratio + half }
  })
  const place = { y: 'what', fy: 'path' } as const
  const colour = ({ against }: Ratio): string => SERIES[against] ?? COLOURS.grey
  const cases = new Set(ratios.map(({ path, what }) => path + what)).size
  return {
    height: 120 + 19 * cases,
    marginTop: 58,
    marginLeft: 140,
    marginRight: 80,
    x: {
      label: 'throughput with Sluice ÷ without it; the line is the middle half of the rounds',
      grid: true,
      inset: 10,
    },
    y: { label: null },
    fy: { label: null, domain: PATHS },
    marks: [
      ...legend([...Object.entries(SERIES).map(toLegend), GOAL]),
      ruleX([GOAL.ratio], { stroke: 'currentColor' }),
      link(ratios, {
        ...place,
        x1: 'from',
        x2: 'to',
        y1: 'what',
        y2: 'what',
        stroke: colour,
        strokeWidth: 1.5,
      }),
      dot(ratios, { ...place, x: 'ratio', fill: colour, r: 4 }),
    ],
  }
}

const PATTERN = /^Throughput (?<path>same node|direct|VXLAN), (?<what>.*), against (?<against>.*)$/u
const PATHS = ['same node', 'direct', 'VXLAN']
const GOAL = { ratio: 0.98, name: 'goal: 0.98', colour: 'currentColor', sign: '│' } as const
const SERIES: Readonly<Record<string, string>> = {
  'no table': COLOURS.blue,
  'tracking only': COLOURS.orange,
  bridge: COLOURS.green,
}

function toLegend([name, colour]: readonly [string, string]): Series {
  return { name: `against ${name}`, colour }
}
