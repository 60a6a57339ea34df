import { dot, lineY, type PlotOptions } from '@observablehq/plot'
import type { Figure } from '../harness/figure.ts'
import { COLOURS } from './colours.ts'
import { legend, type Series } from './legend.ts'
import { type Named, named } from './named.ts'
import type { PlotData } from './plot-data.ts'

interface Point {
  readonly series: string
  readonly quantile: string
  readonly policies: string
  readonly pods: number
  readonly ms: number
}

/** How long a new pod takes until its policy is in the kernel, by the size of the cluster. */
export function programmingPlot({ figures }: PlotData): PlotOptions {
  const points = named(figures, ({ figure }) => figure, PATTERN).flatMap(pointsOf)
  const place = { x: 'pods', y: 'ms', fx: 'policies' } as const
  const colour = ({ series }: Point): string => SERIES[series] ?? COLOURS.grey
  return {
    height: 360,
    marginTop: 64,
    marginLeft: 56,
    fx: {
      label: null,
      domain: FACETS.filter((label) => points.some((one) => one.policies === label)),
    },
    x: {
      type: 'log',
      domain: [1_000, 100_000],
      label: 'pods in the cluster',
      ticks: TICKS,
      tickFormat: 's',
      inset: 12,
    },
    y: {
      type: 'log',
      domain: [0.01, 10_000],
      label: 'event to commit, ms',
      grid: true,
      ticks: TICKS_MS,
      tickFormat: '~g',
    },
    marks: [
      ...legend([...Object.entries(SERIES).map(toLegend), ...QUANTILES]),
      lineY(points, { ...place, z: lineOf, stroke: colour, strokeOpacity: 0.7 }),
      dot(points.filter(isMedian), { ...place, fill: colour, r: 4 }),
      dot(
        points.filter((one) => !isMedian(one)),
        { ...place, stroke: colour, r: 4 },
      ),
    ],
  }
}

const PATTERN =
  /^pod add, (?<pods>\d+k?) pods × (?<policies>\d+k?) policies, (?<quantile>p50|p99), against (?<against>nft -f|full re-sync)$/u
const FACETS = ['100 policies', '1k policies', '10k policies']
const TICKS = [1_000, 10_000, 100_000]
const TICKS_MS = [0.01, 0.1, 1, 10, 100, 1_000, 10_000]
const QUANTILES: readonly Series[] = [
  { name: 'p50', colour: 'currentColor', sign: '●' },
  { name: 'p99', colour: 'currentColor', sign: '○' },
]
const SERIES: Readonly<Record<string, string>> = {
  Sluice: COLOURS.blue,
  'nft -f': COLOURS.orange,
  'full re-sync': COLOURS.green,
}

/** Ours is told once for each baseline, with the same value. */
function pointsOf({ of: { value, baseline }, parts }: Named<Figure>): Point[] {
  const { against = '', quantile = '' } = parts
  const pods = countOf(parts['pods'] ?? '')
  const place = { quantile, policies: `${parts['policies']} policies`, pods }
  const theirs = { ...place, series: against, ms: baseline ?? 0 }
  return against === 'nft -f' ? [{ ...place, series: 'Sluice', ms: value }, theirs] : [theirs]
}

function countOf(short: string): number {
  return short.endsWith('k') ? 1000 * Number(short.slice(0, -1)) : Number(short)
}

function isMedian({ quantile }: Point): boolean {
  return quantile === 'p50'
}

function lineOf({ series, quantile }: Point): string {
  return `${series} ${quantile}`
}

function toLegend([name, colour]: readonly [string, string]): Series {
  return { name, colour, sign: '―' }
}
