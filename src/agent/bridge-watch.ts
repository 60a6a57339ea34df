import type { Logger } from 'pino'

export interface BridgeWatchParts {
  /**
   * Switches on that bridged packets are judged, and says what was off.
   *
   * @throws PodNetworkError with a sentence that says what the host must have
   */
  readonly require: () => readonly string[]
  readonly log: Logger
}

/**
 * Sees to it that packets between pods on one bridge stay judged: whoever writes net.bridge settings on the node,
 * such as `sysctl --system`, may switch that off at any time.
 */
export class BridgeWatch {
  readonly #parts: BridgeWatchParts
  #isNeeded = false
  #problem: string | undefined

  constructor(parts: BridgeWatchParts) {
    this.#parts = parts
  }

  /** Why packets between pods on one bridge pass policy by, if they do. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** From here on there are pods on bridges. Never throws. */
  begin(): void {
    this.#isNeeded = true
    this.check()
  }

  /** The same, for one that is about to come. @throws PodNetworkError (notEnforceable) */
  require(): void {
    const isFirst = !this.#isNeeded
    this.#isNeeded = true
    try {
      const switched = this.#parts.require()
      this.#problem = undefined
      if (switched.length > 0 && !isFirst) this.#tell(switched)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      if (problem !== this.#problem) this.#parts.log.error({ event: 'bridge.unjudged' }, problem)
      this.#problem = problem
      throw error
    }
  }

  /** To be called now and again. Cheap; never throws. */
  check(): void {
    if (!this.#isNeeded) return
    try {
      this.require()
    } catch {
      // It has been told, and is the problem from here on.
    }
  }

  #tell(switched: readonly string[]): void {
    this.#parts.log.warn(
      { event: 'bridge.switched', switched },
      `Somebody set ${switched.map((name) => `net.bridge.${name}`).join(' and ')} to 0, so that packets between pods on one bridge passed policy by. It is 1 again; keep it so in /etc/sysctl.d`,
    )
  }
}
