import { barX, type PlotOptions, ruleX, text } from '@observablehq/plot'
import { COLOURS } from './colours.ts'
import { named } from './named.ts'
import type { PlotData } from './plot-data.ts'
import { short } from '../harness/short.ts'

interface Bar {
  readonly what: string
  readonly order: string
  readonly packets: number
}

/** Packets that go where they must not, or not where they shall, while a pod starts. */
export function startRacePlot({ figures }: PlotData): PlotOptions {
  const bars = named(figures, ({ figure }) => figure, PATTERN).flatMap(({ of, parts }): Bar[] => [
    { what: parts['what'] ?? '', order: OURS, packets: of.value },
    { what: parts['what'] ?? '', order: THEIRS, packets: of.baseline ?? 0 },
  ])
  const place = { x: 'packets', y: 'order', fy: 'what' } as const
  const colour = ({ order }: Bar): string => (order === OURS ? COLOURS.blue : COLOURS.grey)
  return {
    height: 190,
    marginLeft: 190,
    marginRight: 240,
    x: { label: 'packets a start', insetRight: 40 },
    y: { label: null, domain: [OURS, THEIRS] },
    fy: { label: null },
    marks: [
      barX(bars, { ...place, fill: colour, inset: 2 }),
      ruleX([0]),
      text(bars, {
        ...place,
        text: ({ packets }: Bar) => short(packets),
        textAnchor: 'start',
        dx: 6,
        fill: colour,
      }),
    ],
  }
}

const PATTERN = /^Start race, \d+ starts, (?<what>.*)$/u
const OURS = 'Sluice: policy, then link'
const THEIRS = 'policy once the link is up'
