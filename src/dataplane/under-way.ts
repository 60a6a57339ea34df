import type { Address } from '../policy/address.ts'
import { classOf } from '../policy/decide.ts'
import { type ClassId, type TableChange, WORLD } from '../policy/tables.ts'
import { DIRECTIONS, type KernelState, type Operation } from './kernel-state.ts'

/** Transactions that packets read by, counted. */
type Moment = number

interface Leftover {
  readonly operations: readonly Operation[]
  readonly since: Moment
  /** Subjects whose values are among it. */
  readonly subjects: ReadonlySet<Address>
}

/**
 * What packets on their way may have read. A packet looks up one thing after the other (membership, class, row,
 * default, port set), and may be held up in between, by an interrupt or a hypervisor, for longer than several
 * transactions take. One commit it may straddle: `plan` sees to that. If it met two, it could mix what was before the
 * first with what is after the second, so a grace period, which outlives all packets, comes before a step that
 * switches what such a packet looks up next.
 *
 * What nothing refers to any more but such packets is left over until then.
 */
export class UnderWay {
  readonly #gracePeriod: () => Promise<void>
  #now: Moment = 0
  /** All up to here has been outlived. */
  #outlived: Moment = 0
  /** When a subject was last let go: packets may have read that it is a member. */
  #released: Moment = 0
  /** When an address last left a class: packets may have read that it has it. */
  readonly #left = new Map<ClassId, Moment>()
  /** The last of these. */
  #lastLeft: Moment = 0
  /** When rows last switched: packets may have read that there was none. */
  #rows: Moment = 0
  #leftovers: Leftover[] = []

  /** @param gracePeriod resolves once all packets have their verdicts that were on their way when it was called */
  constructor(gracePeriod: () => Promise<void>) {
    this.#gracePeriod = gracePeriod
  }

  /** Waits until no packet can mix what these operations switch with what was before an earlier switch. */
  async makeWay(operations: readonly Operation[]): Promise<void> {
    if (operations.some((operation) => this.#since(operation) > this.#outlived)) {
      await this.outlive()
    }
  }

  /** When something was last switched that packets look up before what this operation switches. */
  #since(operation: Operation): Moment {
    switch (operation.kind) {
      case 'podClass':
      case 'blockClasses':
        return this.#released
      case 'row':
        return this.#left.get(operation.class) ?? 0
      case 'default':
        return Math.max(this.#rows, this.#lastLeft)
      default:
        return 0
    }
  }

  /**
   * Before these are committed.
   *
   * @returns to be called when they have been, or a part of them
   */
  expect(operations: readonly Operation[], state: KernelState): () => void {
    const left = new Set(operations.flatMap((operation) => classesLeft(operation, state)))
    return () => {
      this.#now += 1
      for (const id of left) this.#left.set(id, this.#now)
      if (left.size > 0) this.#lastLeft = this.#now
      for (const operation of operations) {
        if (operation.kind === 'row') this.#rows = this.#now
        // Who has read that an address is no member looks up nothing more.
        if (operation.kind === 'member' && !operation.member) this.#released = this.#now
      }
    }
  }

  /** Waits until no packet is on its way that is now. */
  async outlive(): Promise<void> {
    const now = this.#now
    if (this.#outlived === now) return
    await this.#gracePeriod()
    this.#outlived = Math.max(this.#outlived, now)
    if (this.#outlived === this.#now) this.#left.clear()
  }

  /** Only packets on their way look these up any more. */
  leave(operations: readonly Operation[]): void {
    if (operations.length === 0) return
    const subjects = new Set(operations.flatMap((one) => ('subject' in one ? [one.subject] : [])))
    this.#leftovers.push({ operations, since: this.#now, subjects })
  }

  get isOver(): boolean {
    return this.#outlived === this.#now && this.#leftovers.length === 0
  }

  /** Whether a change writes values of subjects of which old ones are left over. */
  hasLeftoversOf({ subjects }: TableChange): boolean {
    return (
      this.#leftovers.length > 0 &&
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

function classesLeft(operation: Operation, state: KernelState): readonly ClassId[] {
  switch (operation.kind) {
    case 'podClass':
      return [classOf(state, operation.address)]
    case 'blockClasses':
      return [WORLD, ...state.blockClasses[operation.family].map((block) => block.class)]
    default:
      return []
  }
}
