export interface BackoffOptions {
  readonly firstMs: number
  readonly lastMs: number
  /** From 0 up to, not including, 1. */
  readonly random: () => number
}

/**
 * How long to wait after each failure: twice as long each time up to a limit. A random part of up to half keeps
 * the nodes of a cluster from coming back all at once.
 */
export class Backoff {
  readonly #options: BackoffOptions
  #nextMs: number

  constructor(options: BackoffOptions) {
    this.#options = options
    this.#nextMs = options.firstMs
  }

  next(): number {
    const { lastMs, random } = this.#options
    const delayMs = this.#nextMs * (1 - random() / 2)
    this.#nextMs = Math.min(2 * this.#nextMs, lastMs)
    return delayMs
  }

  /** What failed works again. */
  reset(): void {
    this.#nextMs = this.#options.firstMs
  }
}
