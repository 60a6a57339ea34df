/** Has new connections that pass logged while somebody wants to see them. */
export class Sampling {
  readonly #begin: (oneIn: number) => { close: () => void }
  readonly #wishes = new Set<object>()
  #running: { readonly oneIn: number; readonly session: { close: () => void } } | undefined

  /** @param begin logs one in so many, until it is closed; throws what the kernel has against it */
  constructor(begin: (oneIn: number) => { close: () => void }) {
    this.#begin = begin
  }

  /**
   * One in so many connections, or more where somebody else wants more.
   *
   * @returns what is to be called when they are wanted no more
   * @throws whatever `begin` throws
   */
  want(oneIn: number): () => void {
    this.#run(oneIn)
    const wish = {}
    this.#wishes.add(wish)
    return () => {
      this.#wishes.delete(wish)
      if (this.#wishes.size === 0) this.close()
    }
  }

  close(): void {
    this.#running?.session.close()
    this.#running = undefined
  }

  #run(oneIn: number): void {
    if (this.#running !== undefined && this.#running.oneIn <= oneIn) return
    this.close()
    this.#running = { oneIn, session: this.#begin(oneIn) }
  }
}
