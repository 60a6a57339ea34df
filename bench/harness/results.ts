import type { Mode } from './context.ts'
import type { Figure } from './figure.ts'

/** What a run gives; the shape of bench/results/latest.json. */
export interface Results {
  readonly machine: string
  readonly mode: Mode
  /** False: what lies close to its goal cannot be told. */
  readonly quiet: boolean
  /** The same in words. */
  readonly noise: string
  readonly figures: readonly Figure[]
}
