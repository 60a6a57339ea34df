/** Takes values off the front of an input; zeros when it is at its end. */
export class InputBytes {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  /** As many as its first byte says. */
  bytes(): Uint8Array {
    const length = this.byte()
    const start = this.#at
    this.#at += length
    return Uint8Array.from(this.#bytes.subarray(start, start + length))
  }

  /** One of these; undefined when there is none. */
  one<Value>(values: readonly Value[]): Value | undefined {
    return values[this.byte() % Math.max(values.length, 1)]
  }
}
