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
  readonly noise: { readonly sample: () => void }
  /**
   * Numbers of rounds, from 0, until this share of the group's time is over, counted from the group's begin.
   *
   * @param atLeast so many there are however long they take
   */
  readonly rounds: (until: number, atLeast: number) => Iterable<number>
  /** Keeps samples whose distribution is drawn. */
  readonly keep: (distribution: Distribution) => void
}

/** All samples of one kind. */
export interface Distribution {
  readonly name: string
  readonly unit: string
  readonly samples: readonly number[]
}
