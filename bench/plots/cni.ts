import { dot, type PlotOptions, ruleY, text } from '@observablehq/plot'
import type { Figure } from '../harness/figure.ts'
import { COLOURS } from './colours.ts'
import { type Named, named } from './named.ts'
import { short } from '../harness/short.ts'
import type { PlotData } from './plot-data.ts'

interface Bar {
  readonly verb: string
  readonly workload: string
  readonly plugin: string
  readonly ms: number
}

/** What ADD and DEL take, beside Debian's plugins. */
export function cniPlot({ figures }: PlotData): PlotOptions {
  const bars = named(figures, ({ figure }) => figure, PATTERN).flatMap(barsOf)
  const row = { y: 'plugin', fx: 'verb', fy: 'workload' } as const
  const place = { ...row, x: 'ms' } as const
  const colour = ({ plugin }: Bar): string => (plugin === 'Sluice' ? COLOURS.blue : COLOURS.grey)
  const workloads = [...new Set(bars.map(({ workload }) => workload))]
  return {
    height: 70 + 74 * workloads.length,
    marginLeft: 60,
    marginRight: 145,
    x: {
      type: 'log',
      domain: [0.1, 20_000],
      label: 'from start to exit, ms',
      grid: true,
      ticks: TICKS_MS,
      tickFormat: ',',
      insetRight: 40,
    },
    y: { label: null, domain: PLUGINS },
    fx: { label: null },
    fy: { label: null, domain: workloads },
    marks: [
      ruleY(bars, { ...row, stroke: 'currentColor', strokeOpacity: 0.1 }),
      dot(bars, { ...place, fill: colour, r: 5 }),
      text(bars, {
        ...place,
        text: ({ ms }: Bar) => short(ms),
        fill: colour,
        textAnchor: 'start',
        dx: 9,
      }),
    ],
  }
}

const PATTERN = /^CNI (?<verb>ADD|DEL) (?<workload>.*), against (?<plugin>ptp|bridge)\+host-local$/u
const TICKS_MS = [0.1, 1, 10, 100, 1_000, 10_000]
const PLUGINS = ['Sluice', 'ptp', 'bridge']

/** Ours is told once for each baseline, with the same value. */
function barsOf({ of: { value, baseline }, parts }: Named<Figure>): Bar[] {
  const { verb = '', workload = '', plugin = '' } = parts
  const theirs = { verb, workload, plugin, ms: baseline ?? 0 }
  return plugin === 'ptp' ? [{ ...theirs, plugin: 'Sluice', ms: value }, theirs] : [theirs]
}
