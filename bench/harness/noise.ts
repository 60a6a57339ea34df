import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { noiseVerdict } from './noise-verdict.ts'

/**
 * Watches whether the machine is ours alone: the same piece of arithmetic is timed before every round, and the
 * time that the hypervisor gave to others is read at the end.
 */
export class NoiseWatch {
  readonly #timesMs = new Map<string, number[]>()
  readonly #before = processorTimes()

  /** To be called before each round of a group, while nothing of ours runs. Takes some 20 ms. */
  sample(group: string): void {
    const startedAt = performance.now()
    const hash = createHash('sha256')
    for (let i = 0; i < YARDSTICK_BLOCKS; i++) hash.update(YARDSTICK)
    hash.digest()
    const took = performance.now() - startedAt
    this.#timesMs.set(group, [...(this.#timesMs.get(group) ?? []), took])
  }

  /** Whether what lies close to its goal can be told, in words. @throws RangeError without a sample */
  verdict(): string {
    const after = processorTimes()
    const stolen = (after.stolen - this.#before.stolen) / (after.all - this.#before.all)
    return noiseVerdict(this.#timesMs, stolen)
  }
}

const YARDSTICK = Buffer.alloc(1 << 20)
const YARDSTICK_BLOCKS = 24

/** First line of /proc/stat (proc(5)), in ticks: user nice system idle iowait irq softirq steal … */
function processorTimes(): { all: number; stolen: number } {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const ticks = line.split(/\s+/u).slice(1, 9).map(Number)
  return { all: ticks.reduce((sum, one) => sum + one, 0), stolen: ticks[7] ?? 0 }
}
