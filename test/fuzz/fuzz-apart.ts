import { Worker } from 'node:worker_threads'

/** What the thread is asked to do. */
export interface Order {
  readonly names: readonly string[]
  /** For each target. */
  readonly inputs: number
  readonly seed: number
  /** Number of inputs begun (u32), length of the last one (u32), its bytes. */
  readonly current: SharedArrayBuffer
}

export interface Outcome {
  readonly name: string
  readonly inputs: number
  readonly error?: Error
}

/**
 * Fuzzes targets in a thread of their own, one after the other, and calls back for each. Rejects with the input when
 * one is read for ever: nothing else could end that.
 */
export async function fuzzApart(
  order: Omit<Order, 'current'>,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const current = new SharedArrayBuffer(MOST_BYTES)
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
    workerData: { ...order, current } satisfies Order,
  })
  const stuck = Promise.withResolvers<never>()
  const view = new DataView(current)
  let last = -1
  const watch = setInterval(() => {
    const begun = view.getUint32(0)
    if (begun === last) stuck.reject(new Error(`An input is read for ever: ${hexOf(current)}`))
    last = begun
  }, LONGEST_MS)
  try {
    const ended = new Promise<void>((resolve, reject) => {
      worker
        .on('message', onOutcome)
        .on('error', reject)
        .on('exit', () => resolve())
    })
    await Promise.race([ended, stuck.promise])
  } finally {
    clearInterval(watch)
    await worker.terminate()
  }
}

const MOST_BYTES = 64 << 10
const LONGEST_MS = 20_000

function hexOf(current: SharedArrayBuffer): string {
  const length = new DataView(current).getUint32(4)
  return Buffer.from(current, 8, Math.min(length, MOST_BYTES - 8)).toString('hex')
}
