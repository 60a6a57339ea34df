import { lineY, type PlotOptions, ruleX } from '@observablehq/plot'
import type { Distribution } from '../harness/context.ts'
import { COLOURS } from './colours.ts'
import { legend, type Series } from './legend.ts'
import { type Named, named } from './named.ts'
import type { PlotData } from './plot-data.ts'

interface Step {
  readonly way: string
  readonly protocol: string
  readonly ms: number
  readonly share: number
}

/** How long a connection that is forbidden from now on lives: which share of them is silent after how long. */
export function revocationPlot({ distributions }: PlotData): PlotOptions {
  const steps = named(distributions, ({ name }) => name, PATTERN).flatMap(stepsOf)
  const colour = ({ way }: Step): string => SERIES[way] ?? COLOURS.grey
  return {
    height: 320,
    marginTop: 58,
    marginLeft: 50,
    x: { label: 'from the change to the last byte, ms', zero: true, insetRight: 10 },
    y: { label: 'trials that are silent, %', grid: true, percent: true, domain: [0, 100] },
    marks: [
      ...legend([...Object.entries(SERIES).map(toLegend), ...PROTOCOLS, GOAL]),
      ruleX([GOAL.ms], { stroke: 'currentColor' }),
      ...PROTOCOLS.map(({ name, dashes }) =>
        lineY(
          steps.filter(({ protocol }) => protocol === name),
          { ...LINE, z: 'way', stroke: colour, strokeDasharray: dashes },
        ),
      ),
    ],
  }
}

const PATTERN = /^Revocation, (?<way>.*), (?<protocol>TCP|UDP)$/u
const LINE = { x: 'ms', y: 'share', strokeWidth: 1.5, curve: 'step-after' } as const
const PROTOCOLS = [
  { name: 'TCP', colour: 'currentColor', sign: '―', dashes: 'none' },
  { name: 'UDP', colour: 'currentColor', sign: '┄', dashes: '4,3' },
] as const
const GOAL = { ms: 50, name: 'goal for 99 %: 50 ms', colour: 'currentColor', sign: '│' } as const
const SERIES: Readonly<Record<string, string>> = {
  'enforcer told': COLOURS.blue,
  'manifest written': COLOURS.orange,
}

/** The samples are in order. */
function stepsOf({ of: { samples }, parts }: Named<Distribution>): Step[] {
  const { way = '', protocol = '' } = parts
  return samples.map((ms, index) => ({ way, protocol, ms, share: (index + 1) / samples.length }))
}

function toLegend([way, colour]: readonly [string, string]): Series {
  return { name: `from: ${way}`, colour, sign: '―' }
}
