import type { ConnectionEnds } from '../netlink/listed-connection.ts'
import type { Address } from '../policy/address.ts'
import { bothTouched, type Touched } from './dataplane.ts'
import { type HostPort, missesHostPort } from './host-ports.ts'
import { Look, type LookParts } from './look.ts'

export interface RevocationParts extends LookParts {
  /** Makes what the kernel holds of bars what was barred; returns how many elements were wrong. */
  readonly mendBars: () => Promise<number>
  readonly setTimer: (callback: () => void, delayMs: number) => void
  readonly onError: (error: unknown) => void
}

/**
 * A packet can be between the policy program and the confirmation of its connection while a change is
 * committed; its entry appears a moment after the first look.
 */
const SECOND_LOOK_MS = 50

/**
 * Cuts tracked connections that the verdicts in force no longer cover.
 *
 * One look at a time. A change in the middle of one is taken up by it, so that nothing that it lists waits for its end;
 * and by the next, since what is tracked after a listing began may not be in it. Changes that follow close upon each
 * other, as those of one policy do, share a look.
 */
export class Revocation {
  readonly #parts: RevocationParts
  #current: Look | undefined
  /** Whose listing has not begun. */
  #next: Look | undefined
  #looking: Promise<void> = Promise.resolve()
  /** What the timer's look will be for. */
  #soon: Touched = new Set()
  /** What came since the timer was set: for the timer after it. */
  #later: Touched = new Set()

  constructor(parts: RevocationParts) {
    this.#parts = parts
  }

  /** After a commit: looks at all connections of these addresses, at once and again 50 to 100 ms later. */
  sweep(touched: Touched): void {
    if (isNothing(touched)) return
    const isInTime = this.#current?.judge(touched) ?? false
    // What began in between is found by the later look, like packets that were on the way.
    if (!isInTime) this.#upcoming().judge(touched)
    this.#lookLater(touched)
  }

  /** After others have changed the table: bars what is to be barred; returns how many elements were wrong. */
  mendBars(): Promise<number> {
    return this.#parts.mendBars()
  }

  /**
   * Before addresses are other pods': nothing that was tracked for the last ones may reach them. Resolves when
   * all entries are gone that have one in any place.
   */
  async forget(isFree: (address: Address) => boolean): Promise<void> {
    await this.#upcoming().remove(
      ({ original, reply }) =>
        isFree(original.src) || isFree(original.dst) || isFree(reply.src) || isFree(reply.dst),
    )
  }

  /**
   * After ports of the node have come to lead to a pod: a flow that was tracked before would go on to the node,
   * for as long as its client sends. Looks again a little later, as `sweep` does.
   */
  async divert(hostPorts: readonly HostPort[]): Promise<void> {
    // A TCP connection that the node itself has served stays with it; the next one is new.
    const flows = hostPorts.filter(({ protocol }) => protocol !== 'TCP')
    if (flows.length === 0) return
    await this.#deleteMissed(flows)
    this.#parts.setTimer(() => {
      this.#deleteMissed(flows).catch((error: unknown) => this.#parts.onError(error))
    }, SECOND_LOOK_MS)
  }

  async #deleteMissed(hostPorts: readonly HostPort[]): Promise<void> {
    const own = this.#parts.ownAddresses()
    const isMissed = (one: ConnectionEnds): boolean =>
      hostPorts.some((hostPort) => missesHostPort(one, hostPort, own))
    await this.#upcoming().remove(isMissed)
  }

  /** A timer at a time; what comes while it runs waits for the next. */
  #lookLater(touched: Touched): void {
    if (!isNothing(this.#soon)) {
      this.#later = bothTouched(this.#later, touched)
      return
    }
    this.#soon = touched
    this.#parts.setTimer(() => this.#lookAgain(), SECOND_LOOK_MS)
  }

  #lookAgain(): void {
    this.#upcoming().judge(this.#soon)
    const later = this.#later
    this.#soon = new Set()
    this.#later = new Set()
    if (!isNothing(later)) this.#lookLater(later)
  }

  /** The look that begins when the current one ends, or at once. */
  #upcoming(): Look {
    if (this.#next !== undefined) return this.#next
    const look = new Look(this.#parts)
    this.#next = look
    this.#looking = this.#looking.then(() => this.#run(look))
    return look
  }

  async #run(look: Look): Promise<void> {
    this.#next = undefined
    this.#current = look
    await look.run().catch((error: unknown) => this.#parts.onError(error))
    this.#current = undefined
  }
}

function isNothing(touched: Touched): boolean {
  return touched !== 'all' && touched.size === 0
}
