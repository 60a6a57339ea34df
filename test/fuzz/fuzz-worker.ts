import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import type { Order } from './fuzz-apart.ts'
import { readOne } from './target.ts'
import { targets } from './targets.ts'

/** Reads inputs of one target after the other, and tells what it is at: the thread that waits may have to end it. */
const { names, inputs, seed, current }: Order = workerData
const view = new DataView(current)
const bytes = new Uint8Array(current)

for (const target of targets.filter(({ name }) => names.includes(name))) {
  await fc
    .assert(
      fc.asyncProperty(target.inputs, async (input) => {
        view.setUint32(0, view.getUint32(0) + 1)
        view.setUint32(4, input.length)
        bytes.set(input.subarray(0, bytes.length - 8), 8)
        await readOne(target, input)
      }),
      { numRuns: inputs, seed },
    )
    .then(
      () => parentPort?.postMessage({ name: target.name, inputs }),
      (error: unknown) => parentPort?.postMessage({ name: target.name, inputs, error }),
    )
}
