import { cniFigures } from './figures/cni.ts'
import { connectionFigures } from './figures/connections.ts'
import { guardFigures } from './figures/guard.ts'
import { programmingFigures } from './figures/programming.ts'
import { revocationFigures } from './figures/revocation.ts'
import { startRaceFigures } from './figures/start-race.ts'
import { startFigures } from './figures/start.ts'
import { throughputFigures } from './figures/throughput.ts'
import type { BenchContext, Mode } from './harness/context.ts'
import type { Figure } from './harness/figure.ts'

/** Figures that are measured together. */
export interface Group {
  readonly name: string
  /** What makes its figures; path from the root of the repository. */
  readonly script: string
  readonly measure: (context: BenchContext) => Promise<Figure[]>
  /** How long that takes: rounds go on until then. */
  readonly seconds: Readonly<Record<Mode, number>>
}

/** In the order in which they are measured and told. Together they take what `make bench` and `-quick` promise. */
export const GROUPS: readonly Group[] = [
  {
    name: 'cni',
    script: 'bench/figures/cni.ts',
    measure: cniFigures,
    seconds: { quick: 34, full: 300 },
  },
  {
    name: 'connections',
    script: 'bench/figures/connections.ts',
    measure: connectionFigures,
    seconds: { quick: 24, full: 220 },
  },
  {
    name: 'start',
    script: 'bench/figures/start.ts',
    measure: startFigures,
    seconds: { quick: 26, full: 270 },
  },
  {
    name: 'revocation',
    script: 'bench/figures/revocation.ts',
    measure: revocationFigures,
    seconds: { quick: 12, full: 200 },
  },
  {
    name: 'guard',
    script: 'bench/figures/guard.ts',
    measure: guardFigures,
    seconds: { quick: 16, full: 120 },
  },
  {
    name: 'start race',
    script: 'bench/figures/start-race.ts',
    measure: startRaceFigures,
    seconds: { quick: 8, full: 80 },
  },
  {
    name: 'throughput',
    script: 'bench/figures/throughput.ts',
    measure: throughputFigures,
    seconds: { quick: 22, full: 220 },
  },
  {
    name: 'programming',
    script: 'bench/figures/programming.ts',
    measure: programmingFigures,
    seconds: { quick: 18, full: 340 },
  },
]
