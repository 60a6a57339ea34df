import type { Logger } from 'pino'

export interface HostWatchParts {
  /** What of the node's state defeats policy now, a sentence each. */
  readonly look: () => Promise<readonly string[]>
  readonly log: Logger
}

/** Tells of a node whose state defeats policy: once when it comes, and once when it has gone. */
export class HostWatch {
  readonly #parts: HostWatchParts
  #problems: readonly string[] = []
  #isLooking = false

  constructor(parts: HostWatchParts) {
    this.#parts = parts
  }

  get problems(): readonly string[] {
    return this.#problems
  }

  /** To be called now and again. Never rejects. */
  async check(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    try {
      this.#tell(await this.#parts.look())
    } catch (error) {
      this.#parts.log.error(
        { event: 'host.unread', err: error },
        'the state of the node is unknown',
      )
    } finally {
      this.#isLooking = false
    }
  }

  #tell(problems: readonly string[]): void {
    const { log } = this.#parts
    for (const problem of problems) {
      if (!this.#problems.includes(problem)) log.error({ event: 'host.defeats' }, problem)
    }
    for (const problem of this.#problems) {
      if (!problems.includes(problem)) log.info({ event: 'host.mended', problem }, 'no longer so')
    }
    this.#problems = problems
  }
}
