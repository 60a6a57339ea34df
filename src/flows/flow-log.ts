import type { Flow } from './flow.ts'
import type { LoggedPacket } from './logged-packet.ts'

export interface FlowLogOptions {
  /** Flows that are remembered, and flows that are folded, at most. */
  readonly capacity: number
  /** For how long packets of one flow are told as one, from its first. */
  readonly foldMs: number
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Undefined for what nobody wants to know of. */
  readonly describe: (packet: LoggedPacket, at: number) => Flow | undefined
  /** Once when a flow begins, and once more when it ends, if it had more than one packet by then. */
  readonly onFlow: (flow: Flow, is: 'new' | 'repeated') => void
}

/**
 * The latest flows of this node. Repetitions of a flow are counted, not told; memory is bounded, whatever
 * packets come.
 */
export class FlowLog {
  readonly #options: FlowLogOptions
  /** Oldest first. */
  readonly #folding = new Map<string, { readonly flow: Flow; readonly startedAt: number }>()
  readonly #recent: Flow[] = []
  /** Where the next flow goes once `#recent` is full. */
  #next = 0

  constructor(options: FlowLogOptions) {
    this.#options = options
  }

  note(logged: LoggedPacket): void {
    const now = this.#options.now()
    this.settle(now)
    const key = keyOf(logged)
    const known = this.#folding.get(key)
    if (known !== undefined) {
      known.flow.packets += 1
      known.flow.lastAt = new Date(now).toISOString()
      return
    }
    const flow = this.#options.describe(logged, now)
    if (flow === undefined) return
    if (this.#folding.size >= this.#options.capacity) this.#endOldest()
    this.#folding.set(key, { flow, startedAt: now })
    this.#remember(flow)
    this.#options.onFlow(flow, 'new')
  }

  /** Ends the flows whose time is over; to be called now and then, when no packets come. */
  settle(now: number = this.#options.now()): void {
    for (const { startedAt } of this.#folding.values()) {
      if (startedAt + this.#options.foldMs > now) return
      this.#endOldest()
    }
  }

  /** Oldest first. */
  recent(): Flow[] {
    return [...this.#recent.slice(this.#next), ...this.#recent.slice(0, this.#next)]
  }

  #endOldest(): void {
    const [oldest] = this.#folding
    if (oldest === undefined) return
    const [key, { flow }] = oldest
    this.#folding.delete(key)
    if (flow.packets > 1) this.#options.onFlow(flow, 'repeated')
  }

  #remember(flow: Flow): void {
    if (this.#recent.length < this.#options.capacity) {
      this.#recent.push(flow)
      return
    }
    this.#recent[this.#next] = flow
    this.#next = (this.#next + 1) % this.#options.capacity
  }
}

/** A client's port changes with every attempt: it tells no flows apart. */
function keyOf({ verdict, direction, packet }: LoggedPacket): string {
  const { source, destination, protocol, destinationPort } = packet
  return `${verdict} ${direction} ${source} ${destination} ${protocol} ${destinationPort}`
}
