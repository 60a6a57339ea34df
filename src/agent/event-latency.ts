import type { Histogram } from '../metrics/histogram.ts'

export interface EventLatencyParts {
  /** In seconds. */
  readonly histogram: Histogram
  /** Milliseconds, never going back. */
  readonly uptime: () => number
}

/**
 * How long what happens in the cluster takes to the kernel. What is told before policy comes into force for the
 * first time is the agent's start, and not counted.
 */
export class EventLatency {
  readonly #parts: EventLatencyParts
  #hasBegun = false
  /** While the kernel lags behind, all that waits is taken to have waited as long as the first of it. */
  #waiting: { readonly since: number; events: number } | undefined

  constructor(parts: EventLatencyParts) {
    this.#parts = parts
  }

  /** @param since in `uptime`, when the source told these events */
  tell(since: number, events: number): void {
    if (!this.#hasBegun || events === 0) return
    if (this.#waiting === undefined) this.#waiting = { since, events }
    else this.#waiting.events += events
  }

  /** The kernel holds all that was told so far. */
  settle(): void {
    this.#hasBegun = true
    if (this.#waiting === undefined) return
    const { since, events } = this.#waiting
    this.#waiting = undefined
    const { histogram, uptime } = this.#parts
    histogram.observe((uptime() - since) / 1000, events)
  }
}
