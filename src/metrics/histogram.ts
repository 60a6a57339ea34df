/** What a histogram has counted, as Prometheus takes it. */
export interface Distribution {
  /** For each bound, ascending: how many values were at most that. */
  readonly buckets: readonly (readonly [bound: number, count: number])[]
  readonly sum: number
  readonly count: number
}

/** Counts values by size. */
export class Histogram {
  readonly #bounds: readonly number[]
  /** Of each bound, and of what is above all of them. */
  readonly #counts: number[]
  #sum = 0

  /** @param bounds ascending; a value that equals a bound is below it */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = [...bounds.map(() => 0), 0]
  }

  /** @param times as if it came so often */
  observe(value: number, times = 1): void {
    const found = this.#bounds.findIndex((bound) => value <= bound)
    const place = found < 0 ? this.#bounds.length : found
    this.#counts[place] = (this.#counts[place] ?? 0) + times
    this.#sum += value * times
  }

  read(): Distribution {
    let count = 0
    const buckets = this.#bounds.map((bound, place) => {
      count += this.#counts[place] ?? 0
      return [bound, count] as const
    })
    return { buckets, sum: this.#sum, count: count + (this.#counts.at(-1) ?? 0) }
  }
}
