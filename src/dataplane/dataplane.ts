import { NetlinkSocketError } from '../netlink/errors.ts'
import type { Transaction } from '../nftables/transaction.ts'
import type { Address } from '../policy/address.ts'
import type { TableChange, Tables } from '../policy/tables.ts'
import { diff } from './diff.ts'
import { DataplaneError } from './errors.ts'
import { hostPortOperations } from './host-port-operations.ts'
import { type HostPort, keyOfHostPort } from './host-ports.ts'
import {
  DIRECTIONS,
  highestClass,
  type KernelState,
  type Operation,
  record,
  tablesOf,
} from './kernel-state.ts'
import { plan } from './plan.ts'
import type { PodPlace } from './pod-place.ts'
import { rangeOperations, type Ranges } from './ranges.ts'
import { stages } from './stages.ts'
import { chunks, transactionFor } from './transactions.ts'
import { UnderWay } from './under-way.ts'

export interface DataplaneParts {
  /** @throws when the kernel refuses; nothing of the transaction is then in force. */
  readonly commit: (transaction: Transaction) => void
  /** What the kernel's table holds, for when the answer to a transaction was lost. */
  readonly read: () => Promise<KernelState>
  /** Resolves once every packet has its verdict that was on its way when it was called. */
  readonly gracePeriod: () => Promise<void>
  /** Between two transactions of one change: lets the event loop serve others. */
  readonly yieldToOthers: () => Promise<void>
  /** Whether tables are made so that only the socket which commits may change them. */
  readonly ownsTables?: boolean
}

/** Addresses whose connections a change may have taken an allowance from. */
export type Touched = ReadonlySet<Address> | 'all'

export function bothTouched(a: Touched, b: Touched): Touched {
  return a === 'all' || b === 'all' ? 'all' : a.union(b)
}

/**
 * The verdict function in the kernel: takes changes, commits them in the order that no packet can mix, and
 * knows what it has committed. One change at a time; the caller waits for one before it gives the next.
 */
export class Dataplane {
  readonly #parts: DataplaneParts
  readonly #underWay: UnderWay
  #state: KernelState
  /** Whether the kernel has carried the last transaction out is not known. */
  #isUncertain = false

  /** @param state what the kernel's table holds now */
  constructor(parts: DataplaneParts, state: KernelState) {
    this.#parts = parts
    this.#underWay = new UnderWay(parts.gracePeriod)
    this.#state = state
  }

  get state(): KernelState {
    return this.#state
  }

  /** The table has been made anew, with this content. */
  renew(state: KernelState): void {
    this.#state = state
    this.#underWay.forgetLeftovers()
    this.#isUncertain = false
  }

  /** Makes `state` right again where an answer of the kernel was lost. Every change begins with it. */
  async settle(): Promise<void> {
    if (!this.#isUncertain) return
    this.#state = await this.#parts.read()
    this.#isUncertain = false
  }

  /** What the kernel enforces now. */
  tables(): Tables {
    return tablesOf(this.#state)
  }

  /**
   * Commits one change of the compiler. It is in force then, but what it leaves over may be there still.
   *
   * @param silent addresses of pods whose links are down: what packets of theirs are judged by needs no order
   * @param arriving one of these, to be attached in the same transaction
   * @throws {DataplaneError} SLUICE_COMMIT_REFUSED, SLUICE_COMMIT_UNCERTAIN; what was committed before stays, and
   *   `reconcile` goes on from there.
   */
  async apply(
    change: TableChange,
    silent: ReadonlySet<Address> = NOBODY,
    arriving?: PodPlace,
  ): Promise<Touched> {
    await this.settle()
    if (this.#underWay.hasLeftoversOf(change)) {
      await this.outlive()
      await this.tidy()
    }
    const steps = plan(this.#state, change, silent)
    const make = arriving === undefined ? steps.make : [...steps.make, ...this.#attaching(arriving)]
    if (concernsOnly(silent, change)) await this.#commitStep([...make, ...steps.switch])
    else {
      await this.#commitStep(make)
      await this.#commitSwitch(steps.spell)
      await this.#commitSwitch(steps.switch)
    }
    this.#underWay.leave(steps.drop)
    await this.tidy()
    return touchedBy(change)
  }

  /** Whether no packet is on its way that may have met what was before, and nothing is left over for such. */
  get isCalm(): boolean {
    return this.#underWay.isOver
  }

  /** Waits until no packet looks up what is left over now. Other changes may be made meanwhile. */
  outlive(): Promise<void> {
    return this.#underWay.outlive()
  }

  /** Takes away what no packet looks up any more. @throws {DataplaneError} */
  async tidy(): Promise<void> {
    await this.settle()
    for (const operations of this.#underWay.outlivedLeftovers()) await this.#commitStep(operations)
  }

  /**
   * Commits whatever still differs from what is wanted, whatever is held: another agent's verdicts, the first
   * half of a change. Leaves nothing over.
   *
   * @throws {DataplaneError} as `apply`
   */
  async reconcile(wanted: Tables): Promise<Touched> {
    await this.settle()
    await this.outlive()
    // They are among what differs.
    this.#underWay.forgetLeftovers()
    let touched: Touched = new Set<Address>()
    for (const stage of stages(this.tables(), wanted, highestClass(this.#state))) {
      touched = bothTouched(touched, await this.apply(diff(this.#state, stage)))
      await this.outlive()
      await this.tidy()
    }
    return touched
  }

  /**
   * The only sources that a pod's interface may send from, and the pods of this node.
   *
   * @param chainedInterfaces those that others made for one pod alone
   * @throws {DataplaneError}
   */
  async setLocals(
    wanted: ReadonlyMap<Address, string>,
    chainedInterfaces: ReadonlySet<string> = new Set(),
  ): Promise<void> {
    await this.settle()
    const operations: Operation[] = [
      ...Array.from(chainedInterfaces, (name) => chainedInterface(name, true)),
      ...this.#state.chainedInterfaces
        .difference(chainedInterfaces)
        .values()
        .map((name) => chainedInterface(name, false)),
    ]
    for (const [address, name] of wanted) {
      if (this.#state.locals.get(address) !== name) operations.push(local(address, name))
    }
    for (const address of this.#state.locals.keys()) {
      if (!wanted.has(address)) operations.push(local(address, undefined))
    }
    await this.#commitStep(operations)
  }

  /** What leaves from the first for anything but the second is masqueraded. @throws {DataplaneError} */
  async setRanges(ranges: Ranges): Promise<void> {
    await this.settle()
    await this.#commitStep(rangeOperations(ranges))
  }

  /** The ports of the node that lead to pods. @throws {DataplaneError} */
  async setHostPorts(wanted: readonly HostPort[]): Promise<void> {
    await this.settle()
    const keys = new Set(wanted.map(keyOfHostPort))
    const gone = [...this.#state.hostPorts.values()].filter((one) => !keys.has(keyOfHostPort(one)))
    await this.#commitStep(hostPortOperations(this.#state, gone, wanted))
  }

  /** One pod's addresses come from this interface, and these ports lead to them. @throws {DataplaneError} */
  async attach(place: PodPlace): Promise<void> {
    await this.settle()
    await this.#commitStep(this.#attaching(place))
  }

  #attaching({ addresses, hostInterface, hostPorts, ownsChained = false }: PodPlace): Operation[] {
    return [
      ...addresses.map((address) => local(address, hostInterface)),
      ...hostPortOperations(this.#state, [], hostPorts),
      ...(ownsChained ? [chainedInterface(hostInterface, true)] : []),
    ]
  }

  /** They come from nowhere on this node any more, and no port leads there. @throws {DataplaneError} */
  async detach(addresses: readonly Address[]): Promise<void> {
    await this.settle()
    const mappings = [...this.#state.hostPorts.values()]
    const theirs = mappings.filter(({ address }) => addresses.includes(address))
    await this.#commitStep([
      ...this.#interfacesOf(addresses).map((name) => chainedInterface(name, false)),
      ...hostPortOperations(this.#state, theirs, []),
      ...addresses.map((address) => local(address, undefined)),
    ])
  }

  /** Those that nobody else has an address on. */
  #interfacesOf(addresses: readonly Address[]): string[] {
    const { locals, chainedInterfaces } = this.#state
    const left = new Map(locals)
    for (const address of addresses) left.delete(address)
    const others = new Set(left.values())
    const names = new Set(addresses.flatMap((address) => locals.get(address) ?? []))
    return [...names].filter((name) => chainedInterfaces.has(name) && !others.has(name))
  }

  /** What packets on their way may have read as it was before. */
  async #commitSwitch(step: readonly Operation[]): Promise<void> {
    if (step.length === 0) return
    await this.#underWay.makeWay(step)
    const switched = this.#underWay.expect(step, this.#state)
    try {
      await this.#commitStep(step)
    } finally {
      switched()
    }
  }

  async #commitStep(step: readonly Operation[]): Promise<void> {
    for (const operations of chunks(step)) {
      const transaction = transactionFor('sluice', this.#state, operations)
      if (transaction !== undefined) this.#commit(transaction)
      for (const operation of operations) record(this.#state, operation)
      if (operations.length < step.length) await this.#parts.yieldToOthers()
    }
  }

  #commit(transaction: Transaction): void {
    try {
      this.#parts.commit(transaction)
    } catch (cause) {
      const error = commitError(cause)
      this.#isUncertain = error.code === 'SLUICE_COMMIT_UNCERTAIN'
      throw error
    }
  }
}

function commitError(cause: unknown): DataplaneError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return cause instanceof NetlinkSocketError && ANSWER_LOST.has(cause.code)
    ? new DataplaneError(
        'SLUICE_COMMIT_UNCERTAIN',
        `Whether the kernel made a change to table inet sluice is not known, so the table is read again before the next: ${reason}`,
        { cause },
      )
    : new DataplaneError(
        'SLUICE_COMMIT_REFUSED',
        `The kernel refused a change to table inet sluice, whose verdicts stay as they were: ${reason}`,
        { cause },
      )
}

/** The kernel may have done what it was asked. */
const ANSWER_LOST: ReadonlySet<string> = new Set(['NETLINK_LOST', 'NETLINK_NO_ANSWER'])

const NOBODY: ReadonlySet<Address> = new Set()

function concernsOnly(silent: ReadonlySet<Address>, change: TableChange): boolean {
  if (silent.size === 0 || Object.keys(change.blockClasses).length > 0) return false
  const { podClasses, subjects } = change
  return [podClasses, subjects.ingress, subjects.egress].every((one) =>
    one.keys().every((address) => silent.has(address)),
  )
}

function local(address: Address, name: string | undefined): Operation {
  return { kind: 'local', address, interface: name }
}

/** The interface is one that others made for one pod alone. */
export function chainedInterface(name: string, present: boolean): Operation {
  return { kind: 'chainedInterface', interface: name, present }
}

/** Subjects whose verdicts switch and addresses whose class does; a new partition concerns everyone. */
function touchedBy(change: TableChange): Touched {
  if (Object.keys(change.blockClasses).length > 0) return 'all'
  const touched = new Set(change.podClasses.keys())
  for (const direction of DIRECTIONS) {
    for (const subject of change.subjects[direction].keys()) touched.add(subject)
  }
  return touched
}
