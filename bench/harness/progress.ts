/** Where progress is told: a screen, or what keeps it. */
export interface ProgressOut {
  write(text: string): void
  readonly isTTY?: boolean
  /** Of a screen. */
  readonly columns?: number
}

/** Lines that are kept come no closer than this. */
const BETWEEN_MS = 1000

/** Tells what is being measured: over and over in one line on a screen, else a line now and then. */
export class Progress {
  readonly #out: ProgressOut
  readonly #now: () => number
  readonly #startedAtMs: number
  #saidAtMs = Number.NEGATIVE_INFINITY

  /** @param now milliseconds */
  constructor(out: ProgressOut, now: () => number) {
    this.#out = out
    this.#now = now
    this.#startedAtMs = now()
  }

  say(what: string): void {
    if (this.#out.isTTY === true) {
      this.#out.write(`${CLEAR}${this.#lineOf(what).slice(0, (this.#out.columns ?? 80) - 1)}`)
    } else if (this.#now() - this.#saidAtMs >= BETWEEN_MS) {
      this.#saidAtMs = this.#now()
      this.#out.write(`${this.#lineOf(what)}\n`)
    }
  }

  /** Says something that stays. */
  note(what: string): void {
    this.#out.write(`${this.#out.isTTY === true ? CLEAR : ''}${this.#lineOf(what)}\n`)
  }

  #lineOf(what: string): string {
    const seconds = Math.round((this.#now() - this.#startedAtMs) / 1000)
    return `${String(seconds).padStart(5)} s  ${what}`
  }
}

/** To the begin of the line, and away with what is there. */
const CLEAR = '\r\x1b[K'
