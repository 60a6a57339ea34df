import { isLeaving, type PodRecord } from './record.ts'
import { releaseAll, type ReleaseParts } from './release-all.ts'

export interface ReaperParts extends ReleaseParts {
  /** Milliseconds of a clock that nobody sets. */
  readonly uptime: () => number
  readonly setTimer: (callback: () => void, delayMs: number) => void
  /** What could not be removed is tried again. */
  readonly onError: (error: unknown) => void
  /** It begins when neither an ADD nor a DEL has come for so long: they would wait for the same kernel lock. */
  readonly quietMs: number
  /** But no later than so long after a pod has left. */
  readonly latestMs: number
}

/**
 * Removes what is left of pods whose DEL has been answered, all of them together: the kernel waits for the same
 * grace periods whether it deletes one link or a hundred.
 */
export class Reaper {
  readonly #parts: ReaperParts
  #last: Promise<void> = Promise.resolve()
  #timerIsSet = false
  #isClosed = false
  /** When the first of those who wait has left, on the clock that nobody sets. */
  #since: number | undefined
  #stirredAt = -Infinity

  constructor(parts: ReaperParts) {
    this.#parts = parts
  }

  /** Whether someone has left of whom something may remain. */
  get isWaiting(): boolean {
    return this.#leaving().length > 0
  }

  /** An ADD or a DEL is here; more may follow. */
  stir(): void {
    this.#stirredAt = this.#parts.uptime()
  }

  /** Someone has left; the record says so. */
  expect(): void {
    this.stir()
    this.#since ??= this.#stirredAt
    this.#wait()
  }

  /**
   * Resolves when nothing remains of anyone who had left before.
   *
   * @throws as `releaseAll`; then it is tried again later.
   */
  reap(): Promise<void> {
    const run = this.#last.then(() => this.#reapNow())
    this.#last = run.catch(() => undefined)
    return run
  }

  /** Leaves those who wait to the next agent; resolves when the kernel is not at work for this one. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#last
  }

  #leaving(): PodRecord[] {
    return this.#parts.records.all().filter(isLeaving)
  }

  async #reapNow(): Promise<void> {
    this.#since = undefined
    const leaving = this.#leaving()
    if (leaving.length === 0 || this.#isClosed) return
    try {
      await releaseAll(leaving, this.#parts)
    } catch (error) {
      this.#parts.setTimer(() => this.expect(), this.#parts.latestMs)
      throw error
    }
  }

  #wait(): void {
    if (this.#timerIsSet || this.#since === undefined || this.#isClosed) return
    const { quietMs, latestMs, uptime, setTimer } = this.#parts
    const due = Math.min(this.#stirredAt + quietMs, this.#since + latestMs)
    this.#timerIsSet = true
    setTimer(
      () => {
        this.#timerIsSet = false
        this.#wake()
      },
      Math.max(0, Math.ceil(due - uptime())),
    )
  }

  #wake(): void {
    const { quietMs, latestMs, uptime, onError } = this.#parts
    if (this.#since === undefined || this.#isClosed) return
    const isDue = uptime() >= this.#stirredAt + quietMs || uptime() >= this.#since + latestMs
    if (isDue) this.reap().catch(onError)
    else this.#wait()
  }
}
