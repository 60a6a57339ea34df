import { Worker } from 'node:worker_threads'
import type { Address } from '../../src/policy/address.ts'

/** The last so many packets of a family are remembered. */
export const REMEMBERED = 1 << 16
export const FLOODED_PORT = 5000
/** Of the payload: a number, counted by family, little endian. */
export const SEQUENCE_BYTES = 4

export interface FlooderData {
  readonly netns: string
  /** Of the pod that sends, IPv4 first. */
  readonly own: readonly Address[]
  readonly port: number
  /** How many packets went out, by family (Uint32). */
  readonly counts: SharedArrayBuffer
  /** When each went, in milliseconds of the monotonic clock: `REMEMBERED` of each family in a row (Float64). */
  readonly times: SharedArrayBuffer
}

/** A pod that sends numbered datagrams, all the time, to a pod that may not be there yet. */
export class Flooder {
  readonly #worker: Worker
  readonly #counts = new SharedArrayBuffer(4 * 2)
  readonly #times = new SharedArrayBuffer(8 * 2 * REMEMBERED)

  /** @param port from which it sends */
  constructor(data: Pick<FlooderData, 'netns' | 'own' | 'port'>) {
    const workerData: FlooderData = { ...data, counts: this.#counts, times: this.#times }
    this.#worker = new Worker(new URL('./flooder-worker.ts', import.meta.url), { workerData })
  }

  /** From soon on it sends there. */
  aim(target: readonly Address[]): void {
    this.#worker.postMessage(target)
  }

  /** Packets sent so far, IPv4 first. */
  sent(): readonly number[] {
    return [...new Uint32Array(this.#counts)]
  }

  /** Numbers of the packets sent since then, up to `before`; undefined when there were more than it remembers. */
  sentSince(family: number, atMs: number, before: number): readonly number[] {
    const times = new Float64Array(this.#times)
    const numbers: number[] = []
    for (let number = before - 1; number >= 0; number--) {
      if (before - number > REMEMBERED / 2) throw new Error('The flood is longer than remembered.')
      if ((times[family * REMEMBERED + (number % REMEMBERED)] ?? 0) < atMs) break
      numbers.push(number)
    }
    return numbers
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}
