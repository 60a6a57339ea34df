import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { damaged, samplesIn } from '../../fuzz/damaged.ts'
import { useAddon } from './use-addon.ts'

const corpus = join(import.meta.dirname, '..', '..', '..', 'native', 'fuzz', 'corpus')

/** Uses the addon as each input that libFuzzer kept says, and as `others` damaged ones do. Returns how many it were. */
export async function replayAddon(others: number): Promise<number> {
  const kept = samplesIn('addon', corpus)
  const inputs = [...kept, ...fc.sample(damaged(kept), { numRuns: others, seed: 1 })]
  for (const input of inputs) {
    try {
      useAddon(input)
    } catch (error) {
      const hex = Buffer.from(input).toString('hex')
      throw new Error(`The addon breaks a promise with the input ${hex}.`, { cause: error })
    }
    await nextTurn()
  }
  return inputs.length
}
