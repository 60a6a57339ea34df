import type { ServerResponse } from 'node:http'

/** What goes wrong with one answer. */
export type Fault =
  | {
      readonly kind: 'status'
      readonly code: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  /** The body stops after that many bytes. 'end': properly; 'drop': with the connection; 'stall': it stays open. */
  | {
      readonly kind: 'cut'
      readonly after: number
      readonly how: 'end' | 'drop' | 'stall'
    }
  /** These bytes come where the body has that many. */
  | { readonly kind: 'insert'; readonly after: number; readonly text: string }
  /** The body comes in pieces of that size. */
  | { readonly kind: 'pieces'; readonly bytes: number }
  /** Nothing comes until then. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }

/** Writes the body of an answer, with its fault. */
export class FaultyBody {
  readonly #response: ServerResponse
  readonly #fault: Fault | undefined
  #written = 0
  #stopped = false

  constructor(response: ServerResponse, fault: Fault | undefined) {
    this.#response = response
    this.#fault = fault
    response.flushHeaders()
    this.#stopWhenDue()
  }

  write(text: string): void {
    let rest = Buffer.from(text)
    while (rest.length > 0 && !this.#stopped) {
      const piece = rest.subarray(0, this.#room(rest.length))
      rest = rest.subarray(piece.length)
      this.#response.write(piece)
      this.#written += piece.length
      this.#stopWhenDue()
    }
  }

  end(): void {
    if (!this.#stopped) this.#response.end()
  }

  #room(length: number): number {
    const fault = this.#fault
    if (fault?.kind === 'pieces') return Math.min(length, fault.bytes)
    if (fault?.kind !== 'cut' && fault?.kind !== 'insert') return length
    return fault.after > this.#written ? Math.min(length, fault.after - this.#written) : length
  }

  #stopWhenDue(): void {
    const fault = this.#fault
    if (fault?.kind !== 'cut' && fault?.kind !== 'insert') return
    if (fault.after !== this.#written) return
    if (fault.kind === 'insert') {
      this.#response.write(fault.text)
      return
    }
    this.#stopped = true
    if (fault.how === 'end') this.#response.end()
    // What was written is on its way first.
    if (fault.how === 'drop') this.#response.write('', () => this.#response.destroy())
  }
}
