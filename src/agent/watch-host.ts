import type { Logger } from 'pino'
import { HostWatch } from './host-watch.ts'

export interface WatchedHost {
  /** What of the node's state defeats policy, a sentence each. */
  readonly problems: readonly string[]
  close(): void
}

const LOOK_EVERY_MS = 30_000

/** Looks at the node now, and again and again. */
export async function watchHost(
  look: () => Promise<readonly string[]>,
  log: Logger,
): Promise<WatchedHost> {
  const watch = new HostWatch({ look, log })
  await watch.check()
  const timer = setInterval(() => void watch.check(), LOOK_EVERY_MS)
  timer.unref()
  return {
    get problems() {
      return watch.problems
    },
    close: () => clearInterval(timer),
  }
}
