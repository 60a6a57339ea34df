import { Reaper } from '../pods/reaper.ts'
import type { ReleaseParts } from '../pods/release-all.ts'

/** What is left of pods is removed when this node has been quiet for so long, and at the latest so long after they left. */
const QUIET_MS = 100
const LATEST_MS = 1000

export function openReaper(parts: ReleaseParts, onError: (error: unknown) => void): Reaper {
  return new Reaper({
    ...parts,
    uptime: () => performance.now(),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    onError,
    quietMs: QUIET_MS,
    latestMs: LATEST_MS,
  })
}
