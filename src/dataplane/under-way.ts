import type { Address } from '../policy/address.ts'
import type { TableChange } from '../policy/tables.ts'
import { DIRECTIONS, type Operation } from './kernel-state.ts'

/** Transactions that packets read by, counted. */
type Moment = number

interface Leftover {
  readonly operations: readonly Operation[]
  readonly since: Moment
  /** Subjects whose values are among it. */
  readonly subjects: ReadonlySet<Address>
}

/**
 * What packets on their way may have read. A packet looks up one thing after the other, and may be held up in between,
 * by an interrupt or a hypervisor, for longer than several transactions take. One commit it may straddle: `plan` sees
 * to that. If it met two, it could mix what was before the first with what is after the second, so a grace period,
 * which outlives all packets, comes between steps of which one switches what is looked up before the other.
 *
 * What nothing refers to any more but such packets is left over until then.
 */
export class UnderWay {
  readonly #gracePeriod: () => Promise<void>
  #now: Moment = 0
  /** All before has been outlived. */
  #outlived: Moment = 0
  /** By the place of a lookup: when something was last switched that is found by it. */
  readonly #switched: Moment[] = LOOKUPS.map(() => 0)
  #leftovers: Leftover[] = []

  /** @param gracePeriod resolves once all packets have their verdicts that were on their way when it was called */
  constructor(gracePeriod: () => Promise<void>) {
    this.#gracePeriod = gracePeriod
  }

  /** Waits until no packet can mix what these operations switch with what was before an earlier switch. */
  async makeWay(operations: readonly Operation[]): Promise<void> {
    const latest = Math.max(-1, ...placesIn(operations))
    const earlier = this.#switched.slice(0, Math.max(0, latest))
    if (earlier.some((moment) => moment > this.#outlived)) await this.outlive()
  }

  /** These have been committed, or a part of them. */
  note(operations: readonly Operation[]): void {
    this.#now += 1
    for (const place of placesIn(operations)) this.#switched[place] = this.#now
  }

  /** Waits until no packet is on its way that is now. */
  async outlive(): Promise<void> {
    const now = this.#now
    if (this.#outlived === now) return
    await this.#gracePeriod()
    this.#outlived = Math.max(this.#outlived, now)
  }

  /** Only packets on their way look these up any more. */
  leave(operations: readonly Operation[]): void {
    if (operations.length === 0) return
    const subjects = new Set(operations.flatMap((one) => ('subject' in one ? [one.subject] : [])))
    this.#leftovers.push({ operations, since: this.#now, subjects })
  }

  get hasLeftovers(): boolean {
    return this.#leftovers.length > 0
  }

  /** Whether a change writes values of subjects of which old ones are left over. */
  hasLeftoversOf({ subjects }: TableChange): boolean {
    return (
      this.hasLeftovers &&
      DIRECTIONS.some((direction) =>
        subjects[direction]
          .keys()
          .some((subject) => this.#leftovers.some((one) => one.subjects.has(subject))),
      )
    )
  }

  /** What no packet looks up any more, for as long as each is taken away before the next. */
  *outlivedLeftovers(): Generator<readonly Operation[], void> {
    for (;;) {
      const [first] = this.#leftovers
      if (first === undefined || first.since > this.#outlived) return
      yield first.operations
      this.#leftovers.shift()
    }
  }

  forgetLeftovers(): void {
    this.#leftovers = []
  }
}

/** What a packet looks up, in this order. */
const LOOKUPS = ['member', 'class', 'row', 'default', 'portSet'] as const

/** Where what these operations switch is looked up. Who has read that an address is no member looks up nothing more. */
function placesIn(operations: readonly Operation[]): Set<number> {
  const places = new Set<number>()
  for (const { kind, ...rest } of operations) {
    if (kind === 'member' && 'member' in rest && rest.member) continue
    const name = kind === 'podClass' || kind === 'blockClasses' ? 'class' : kind
    places.add(LOOKUPS.findIndex((lookup) => lookup === name))
  }
  return places
}
