import type { Distribution } from '../harness/context.ts'
import type { Figure } from '../harness/figure.ts'

/** What plots are drawn from. */
export interface PlotData {
  readonly figures: readonly Figure[]
  readonly distributions: readonly Distribution[]
}
