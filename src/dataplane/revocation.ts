import type { Connection } from '../netlink/conntrack.ts'
import type { Address } from '../policy/address.ts'
import type { Tables } from '../policy/tables.ts'
import { bothTouched, type Touched } from './dataplane.ts'
import { type HostPort, missesHostPort } from './host-ports.ts'
import { isCovered, judgedEnds } from './judge-connection.ts'

export interface RevocationParts {
  /** Every connection that the kernel tracks. */
  readonly connections: () => Promise<readonly Connection[]>
  /** Takes entries away; those that are gone already are passed over. */
  readonly delete: (connections: readonly Connection[]) => void
  /** Keeps these from coming back to life by a packet from the other side. */
  readonly bar: (connections: readonly Connection[]) => void
  /** Lets those come back that verdicts cover again. */
  readonly unbar: (covered: (connection: Connection) => boolean) => void
  /** Makes what the kernel holds of bars what was barred; returns how many elements were wrong. */
  readonly mendBars: () => Promise<number>
  /** What the kernel enforces now. */
  readonly tables: () => Tables
  /** Of this node: what it sends itself is never policy. */
  readonly ownAddresses: () => ReadonlySet<Address>
  readonly setTimer: (callback: () => void, delayMs: number) => void
  readonly onRevoked: (connections: readonly Connection[]) => void
  readonly onError: (error: unknown) => void
}

/**
 * A packet can be between the policy program and the confirmation of its connection while a change is
 * committed; its entry appears a moment after the first look.
 */
const SECOND_LOOK_MS = 50

/** Cuts tracked connections that the verdicts in force no longer cover. */
export class Revocation {
  readonly #parts: RevocationParts
  /** What the next look is for. */
  #next: Touched = new Set()
  /** What the timer's look will be for. */
  #later: Touched = new Set()
  #timerIsSet = false
  #isLooking = false

  constructor(parts: RevocationParts) {
    this.#parts = parts
  }

  /** After a commit: looks at all connections of these addresses, at once and again a little later. */
  sweep(touched: Touched): void {
    if (touched !== 'all' && touched.size === 0) return
    this.#later = bothTouched(this.#later, touched)
    if (!this.#timerIsSet) {
      this.#timerIsSet = true
      this.#parts.setTimer(() => this.#lookAgain(), SECOND_LOOK_MS)
    }
    this.#lookAt(touched)
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
    const connections = await this.#parts.connections()
    const theirs = connections.filter(({ original, reply }) =>
      [original.src, original.dst, reply.src, reply.dst].some(isFree),
    )
    if (theirs.length > 0) this.#parts.delete(theirs)
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
    const connections = await this.#parts.connections()
    const own = this.#parts.ownAddresses()
    const missed = connections.filter((one) =>
      hostPorts.some((hostPort) => missesHostPort(one, hostPort, own)),
    )
    if (missed.length > 0) this.#parts.delete(missed)
  }

  #lookAgain(): void {
    const touched = this.#later
    this.#timerIsSet = false
    this.#later = new Set()
    this.#lookAt(touched)
  }

  /** One look at a time; what is asked for meanwhile shares the next one. */
  #lookAt(touched: Touched): void {
    this.#next = bothTouched(this.#next, touched)
    if (this.#isLooking) return
    this.#isLooking = true
    this.#lookUntilDone()
      .catch((error: unknown) => this.#parts.onError(error))
      .finally(() => {
        this.#isLooking = false
      })
  }

  async #lookUntilDone(): Promise<void> {
    while (this.#next === 'all' || this.#next.size > 0) {
      const touched = this.#next
      this.#next = new Set()
      await this.#look(touched)
    }
  }

  async #look(touched: Touched): Promise<void> {
    const connections = await this.#parts.connections()
    const tables = this.#parts.tables()
    const own = this.#parts.ownAddresses()
    const covered = (connection: Connection): boolean =>
      isCovered(judgedEnds(connection, connections), tables, own)
    this.#parts.unbar(covered)
    const revoked = connections.filter((connection) => {
      const { from, to } = judgedEnds(connection, connections)
      const concerned = touched === 'all' || touched.has(from) || touched.has(to)
      return concerned && !covered(connection)
    })
    if (revoked.length === 0) return
    // The bar comes first: an entry that is gone may be made anew by the next packet.
    this.#parts.bar(revoked)
    this.#parts.delete(revoked)
    this.#parts.onRevoked(revoked)
  }
}
