/** Tells what is being measured: over and over in one line on a screen, else a line each. */
export class Progress {
  readonly #out: NodeJS.WriteStream
  readonly #startedAt = performance.now()

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  say(what: string): void {
    const line = this.#lineOf(what)
    if (this.#out.isTTY) this.#out.write(`${CLEAR}${line.slice(0, this.#out.columns - 1)}`)
    else this.#out.write(`${line}\n`)
  }

  /** Says something that stays. */
  note(what: string): void {
    this.#out.write(`${this.#out.isTTY ? CLEAR : ''}${this.#lineOf(what)}\n`)
  }

  end(): void {
    if (this.#out.isTTY) this.#out.write(CLEAR)
  }

  #lineOf(what: string): string {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000)
    return `${String(seconds).padStart(5)} s  ${what}`
  }
}

/** To the begin of the line, and away with what is there. */
const CLEAR = '\r\x1b[K'
