import type { Distribution } from './histogram.ts'

/** One metric: what Prometheus, the page about metrics and the dashboard know of it. */
export type Metric<Source> =
  | (Definition & {
      readonly type: 'gauge' | 'counter'
      readonly read: (source: Source) => readonly Sample<number>[]
    })
  | (Definition & {
      readonly type: 'histogram'
      readonly read: (source: Source) => readonly Sample<Distribution>[]
    })

interface Definition {
  readonly name: string
  /** A sentence. */
  readonly help: string
  /** Names, in the order of the values in a sample. */
  readonly labels: readonly string[]
}

export interface Sample<Value> {
  readonly labels: readonly string[]
  readonly value: Value
}
