/** Tells what is being measured: over and over in one line on a screen, else a line each. */
export class Progress {
  readonly #out: NodeJS.WriteStream
  readonly #startedAt = performance.now()

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
  }

  say(what: string): void {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000)
    const line = `${String(seconds).padStart(5)} s  ${what}`
    if (this.#out.isTTY) this.#out.write(`\r\x1b[K${line.slice(0, this.#out.columns - 1)}`)
    else this.#out.write(`${line}\n`)
  }

  end(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K')
  }
}
