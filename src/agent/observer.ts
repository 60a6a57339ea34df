import { observeRequests } from '../cni/observe-requests.ts'
import type { CniHandler } from '../cni/verbs.ts'
import { EventLatency } from './event-latency.ts'
import { createInstruments, type Instruments } from './instruments.ts'
import { type Commit, measureCommit } from './measure-commit.ts'
import type { Tell } from './source.ts'

/** Looks on while the agent works, and changes nothing of what it does. */
export interface Observer {
  readonly instruments: Instruments
  readonly commits: (commit: Commit) => Commit
  readonly requests: (handle: CniHandler) => CniHandler
  /** Each word of the source is timed from when it comes. */
  readonly events: (tell: Tell) => Tell
  /** To be called when the kernel holds all that was told so far. */
  readonly settle: () => void
}

/** @param uptime milliseconds, never going back */
export function createObserver(uptime: () => number): Observer {
  const instruments = createInstruments()
  const latency = new EventLatency({ histogram: instruments.eventSeconds, uptime })
  return {
    instruments,
    commits: (commit) => measureCommit(commit, { instruments, uptime }),
    requests: (handle) =>
      observeRequests(handle, {
        uptime,
        onReply: ({ verb, code, durationMs }) =>
          instruments.cniSeconds.of(verb, String(code)).observe(durationMs / 1000),
      }),
    events: (tell) => (change, revision) => {
      const since = uptime()
      return tell((state) => {
        const events = change(state)
        latency.tell(since, events.length)
        return events
      }, revision)
    },
    settle: () => latency.settle(),
  }
}
