/**
 * Reads pieces as they come, and those that have come once more whenever what they are read for has changed.
 *
 * Pieces are read in turn, and one that is to be read again goes to the end of the queue. So whatever changes, and
 * however often: each piece that was there at a change is read after it before any is read a second time, and pieces
 * go on coming meanwhile. When all have come, changes no longer count, so that there is an end.
 */
export class Rereader<Piece extends object> {
  readonly #read: (piece: Piece) => void
  /** Lets the event loop serve others, after each piece. */
  readonly #yieldToOthers: () => Promise<void>
  readonly #waiting: Piece[] = []
  readonly #done: Piece[] = []
  readonly #failures: unknown[] = []
  #isComing = true
  #isReading = false
  #reading: Promise<void> = Promise.resolve()

  constructor(read: (piece: Piece) => void, yieldToOthers: () => Promise<void>) {
    this.#read = read
    this.#yieldToOthers = yieldToOthers
  }

  /** What has been read, once `readAll` has resolved: all of it. */
  get done(): readonly Piece[] {
    return this.#done
  }

  /** Reads what has come once more. When all have come it does nothing. */
  again(): void {
    if (!this.#isComing) return
    this.#waiting.push(...this.#done.splice(0))
    this.#goOn()
  }

  /**
   * Resolves when each piece has been read, as often as was asked. One that cannot be read does not keep the others
   * from it; then it rejects at the end, with the first error.
   */
  async readAll(pieces: AsyncIterable<Piece>): Promise<void> {
    try {
      for await (const piece of pieces) {
        this.#waiting.push(piece)
        this.#goOn()
      }
    } finally {
      this.#isComing = false
      await this.#reading
    }
    if (this.#failures.length > 0) throw this.#failures[0]
  }

  #goOn(): void {
    if (this.#isReading) return
    this.#isReading = true
    this.#reading = this.#readWaiting()
  }

  async #readWaiting(): Promise<void> {
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
      try {
        this.#read(piece)
      } catch (error) {
        this.#failures.push(error)
      }
      this.#done.push(piece)
      await this.#yieldToOthers()
    }
    this.#isReading = false
  }
}
