import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { quantile } from './statistics.ts'

/** Above these, somebody else had the machine. */
const WIDEST_YARDSTICK = 1.3
const MOST_STOLEN = 0.02

export interface Noise {
  /** False: what lies close to its goal cannot be told on this machine now. */
  readonly quiet: boolean
  /** In words. */
  readonly verdict: string
}

/**
 * Watches whether the machine is ours alone: the same piece of arithmetic is timed before every round, and the
 * time that the hypervisor gave to others is read at the end.
 */
export class NoiseWatch {
  readonly #timesMs: number[] = []
  readonly #before = processorTimes()

  /** To be called before each round, while nothing of ours runs. Takes some 20 ms. */
  sample(): void {
    const startedAt = performance.now()
    const hash = createHash('sha256')
    for (let i = 0; i < YARDSTICK_BLOCKS; i++) hash.update(YARDSTICK)
    hash.digest()
    this.#timesMs.push(performance.now() - startedAt)
  }

  /** @throws RangeError without a sample. */
  judge(): Noise {
    const width = quantile(this.#timesMs, 0.9) / quantile(this.#timesMs, 0.1)
    const after = processorTimes()
    const stolen = (after.stolen - this.#before.stolen) / (after.all - this.#before.all)
    const quiet = width <= WIDEST_YARDSTICK && stolen <= MOST_STOLEN
    const measured = `the same arithmetic took up to ${width.toFixed(2)} times as long, ${percent(stolen)} of the processors was taken by the hypervisor`
    return { quiet, verdict: quiet ? `quiet: ${measured}` : `TOO NOISY TO TELL: ${measured}` }
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

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
