import type { Logger } from 'pino'
import type { Flow } from '../flows/flow.ts'
import { FlowLog } from '../flows/flow-log.ts'
import { formatEnd } from '../flows/format-end.ts'
import type { LoggedPacket } from '../flows/logged-packet.ts'
import { LogReader } from '../flows/log-reader.ts'
import { Sampling } from '../flows/sampling.ts'
import type { Subscriber, Subscription } from '../netlink/subscribe.ts'

export interface FlowRecorderParts {
  /** Delivers what the program logs. */
  readonly followLog: (subscriber: Subscriber) => Pick<Subscription, 'close'>
  /** Logs one in so many new connections that pass, until it is closed. */
  readonly sampleAllowed: (oneIn: number) => { readonly close: () => void }
  readonly describe: (packet: LoggedPacket, at: number) => Flow | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly setInterval: (callback: () => void, periodMs: number) => { readonly stop: () => void }
  readonly log: Logger
  /** One in so many allowed connections is recorded and written to the log; none without. */
  readonly logAllowed: number | undefined
}

/** What became of logged packets since the agent started. */
export interface FlowCounts {
  /** Flows that were recorded; repetitions within a minute are not counted. */
  readonly recorded: number
  /** Logged packets that never came: the agent did not read them in time. */
  readonly lost: number
  /** How often the kernel said so (ENOBUFS). */
  readonly overruns: number
  /** Packets that came and could not be read. */
  readonly unreadable: number
}

/** Some two megabytes. */
const CAPACITY = 2048
const FOLD_MS = 60_000
const SETTLE_MS = 1000

/** Records the flows of this node: for whoever asks, for whoever follows, and in the log. */
export class FlowRecorder {
  /** Why nothing is recorded, as a sentence; undefined when it is. */
  readonly problem: string | undefined
  readonly #parts: FlowRecorderParts
  readonly #reader = new LogReader()
  readonly #recent: FlowLog
  readonly #sampling: Sampling
  readonly #followers = new Set<(flow: Flow) => void>()
  readonly #subscription: Pick<Subscription, 'close'> | undefined
  readonly #settling: { readonly stop: () => void }
  #recorded = 0
  #overruns = 0

  constructor(parts: FlowRecorderParts) {
    const { describe, now } = parts
    this.#parts = parts
    this.#recent = new FlowLog({
      capacity: CAPACITY,
      foldMs: FOLD_MS,
      now,
      describe,
      onFlow: (flow, is) => this.#tell(flow, is),
    })
    this.#sampling = new Sampling(parts.sampleAllowed)
    this.#settling = parts.setInterval(() => this.#recent.settle(), SETTLE_MS)
    try {
      this.#subscription = this.#subscribe()
      if (parts.logAllowed !== undefined) this.#sampling.want(parts.logAllowed)
    } catch (error) {
      // Policy is in force without it.
      const reason = error instanceof Error ? error.message : String(error)
      this.problem = `Denied packets are not told: ${reason}`
      parts.log.error({ event: 'flows.unavailable', err: error }, this.problem)
    }
  }

  counts(): FlowCounts {
    const { lost, unreadable } = this.#reader
    return { recorded: this.#recorded, lost, overruns: this.#overruns, unreadable }
  }

  /** Oldest first. */
  recent(): readonly Flow[] {
    return this.#recent.recent()
  }

  /**
   * Tells of every flow when it begins, and once more when it has ended and had more than one packet.
   *
   * @returns what ends it
   */
  follow(onFlow: (flow: Flow) => void): () => void {
    this.#followers.add(onFlow)
    return () => this.#followers.delete(onFlow)
  }

  /**
   * Records one in so many allowed connections as well.
   *
   * @returns what ends it
   * @throws {NetlinkError} when the kernel cannot
   */
  sampleAllowed(oneIn: number): () => void {
    return this.#sampling.want(oneIn)
  }

  close(): void {
    this.#settling.stop()
    this.#subscription?.close()
    this.#sampling.close()
  }

  #subscribe(): Pick<Subscription, 'close'> {
    return this.#parts.followLog({
      onMessage: (message) => {
        const packet = this.#reader.read(message)
        if (packet !== undefined) this.#note(packet)
      },
      onLost: () => {
        this.#overruns += 1
      },
    })
  }

  /** Anybody may send any packet: whatever goes wrong in telling of one must not end the agent. */
  #note(packet: LoggedPacket): void {
    try {
      this.#recent.note(packet)
    } catch (error) {
      this.#parts.log.error({ event: 'flow.failed', err: error }, 'a logged packet is not told')
    }
  }

  #tell(flow: Flow, is: 'new' | 'repeated'): void {
    if (is === 'new') this.#recorded += 1
    for (const tell of this.#followers) tell(flow)
    const { log, logAllowed } = this.#parts
    if (flow.verdict === 'allow' && logAllowed === undefined) return
    const event = flow.verdict === 'allow' ? 'flow.allowed' : 'flow.denied'
    log.info({ event, ...flow }, sentence(flow))
  }
}

function sentence(flow: Flow): string {
  const { protocol, from, to, port, verdict, packets, reason } = flow
  const times = packets === 1 ? '' : ` (${packets} packets)`
  const outcome = verdict === 'allow' ? 'allowed' : 'denied'
  return `${protocol} from ${formatEnd(from)} to ${formatEnd(to, port)} ${outcome}${times}: ${reason}`
}
