import type { NoiseWatch } from './noise.ts'

export type Mode = 'quick' | 'full'

/** What a group of figures is measured with. */
export interface BenchContext {
  readonly mode: Mode
  /** A directory in memory, removed at the end. */
  readonly scratch: string
  /** Tells what is being measured. */
  readonly say: (what: string) => void
  /** Aborted when the run shall end early; checked before each round. */
  readonly signal: AbortSignal
  /** To be sampled before each round. */
  readonly noise: NoiseWatch
}
