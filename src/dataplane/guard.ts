import type { NetlinkSocket } from '../netlink/socket.ts'
import type { Subscriber } from '../netlink/subscribe.ts'
import type { Value } from '../nftables/datatypes.ts'
import { getElements } from '../nftables/get-elements.ts'
import { type ListedTable, listChains } from '../nftables/list.ts'
import type { AnyElement, SetNode } from '../nftables/set.ts'
import type { Dataplane, DataplaneParts } from './dataplane.ts'
import { replace } from './establish.ts'
import { ForeignChanges, type Suspects } from './foreign-changes.ts'
import { findTables } from './inspect.ts'
import { type KernelState, tablesOf } from './kernel-state.ts'
import { listWholeSets } from './list-whole-sets.ts'
import { auditSets } from './audit-sets.ts'
import { type ElementFaults, faultsOf, mendingTransactions } from './mend-elements.ts'
import { findOfProgram, isWhole, markRules, rewriting, type RulesMark } from './mend-program.ts'
import type { ProgramChain } from './program.ts'
import type { Revocation } from './revocation.ts'
import { tableReference } from './table.ts'
import { wantedElement, wantedElements } from './wanted-elements.ts'

/** What was wrong and is right again. */
export interface Repair {
  /** The table was gone, or could not be put right where it stood: it was made anew. */
  readonly table: boolean
  /** Chains or rules were others, and were written anew. */
  readonly rules: boolean
  /** Elements that were put back, or taken away. */
  readonly elements: number
  /** Sets of these. */
  readonly sets: readonly string[]
  /** Who made the changes, as far as the kernel has told. */
  readonly by: readonly string[]
  readonly tookMs: number
}

/** What was committed. */
export interface Guarded {
  readonly dataplane: Dataplane
  readonly revocation: Pick<Revocation, 'mendBars'>
}

export interface GuardParts {
  /** For short questions. */
  readonly socket: NetlinkSocket
  /** For listings, which keep their socket from everything else. */
  readonly openListing: () => NetlinkSocket
  readonly dataplane: DataplaneParts
  readonly chains: readonly ProgramChain[]
  /**
   * Between two changes of our own: nothing else is changed meanwhile. What is done there says whether something
   * was wrong, so that connections are looked at again.
   */
  readonly inTurn: (mend: (force: Guarded) => Promise<boolean>) => Promise<void>
  /** Milliseconds of a clock that does not jump. */
  readonly uptime: () => number
  readonly setTimer: (callback: () => void, delayMs: number) => void
  readonly onRepair: (repair: Repair) => void
  readonly onError: (error: unknown) => void
}

/** Whoever changes the table all the time gets an answer so often at most. */
const REST_MS = 10
/** After repairs that the kernel refused one after the other. */
const LAST_RETRY_MS = 1000

/**
 * Keeps `table inet sluice` what was committed: what the kernel tells of others' changes is held against it, and put
 * right.
 */
export class Guard {
  readonly #parts: GuardParts
  readonly #changes = new ForeignChanges()
  /** Of the rules that we wrote; undefined before `begin`. */
  #marked: RulesMark | undefined
  #isMending = false
  #hasBegun = false
  /** In a row. */
  #failures = 0

  constructor(parts: GuardParts) {
    this.#parts = parts
  }

  /** Of NFNLGRP_NFTABLES, without our own changes. To be subscribed before the table is read, so that nothing is missed in between. */
  get subscriber(): Subscriber {
    return {
      onMessage: (message) => {
        if (this.#changes.take(message)) this.#mendSoon()
      },
      onLost: () => {
        this.#changes.suspectAll()
        this.#mendSoon()
      },
    }
  }

  /**
   * Once the table is in force.
   *
   * @param isFresh whether its rules are ours from the first; others are written anew, since nobody knows whose they are
   */
  async begin(isFresh: boolean): Promise<void> {
    await this.#parts.inTurn(async () => {
      const { socket, chains } = this.#parts
      if (!isFresh || this.#changes.isAny) this.#rewrite(findOfProgram(socket, chains))
      this.#marked = markRules(socket)
      return false
    })
    this.#hasBegun = true
    if (this.#changes.isAny) this.#mendSoon()
  }

  /**
   * Reads the whole table back and holds it against what was committed, also where nobody has told of a change.
   * Others go on meanwhile: what looks wrong is looked at again in turn.
   *
   * @returns how many elements were read
   * @throws when the table cannot be read
   */
  async audit(): Promise<number> {
    let state: KernelState | undefined
    await this.#parts.inTurn(async ({ dataplane }) => {
      await dataplane.settle()
      state = dataplane.state
      return false
    })
    if (state === undefined) return 0
    this.#changes.suspectProgram()
    const audited = await auditSets({ ...this.#parts, state, suspects: this.#changes })
    await this.#mendSuspects()
    if (this.#changes.isAny) this.#mendSoon()
    return audited
  }

  #mendSoon(): void {
    if (this.#isMending || !this.#hasBegun) return
    this.#isMending = true
    void this.#mendSuspects().then((restMs) => {
      this.#parts.setTimer(() => {
        this.#isMending = false
        if (this.#changes.isAny) this.#mendSoon()
      }, restMs)
    })
  }

  /** Returns after how many milliseconds it may be called again. Never rejects. */
  async #mendSuspects(): Promise<number> {
    try {
      await this.#parts.inTurn((guarded) => this.#mendInTurn(guarded))
      this.#failures = 0
    } catch (error) {
      // Perhaps it was changed once more in between.
      this.#changes.suspectAll()
      this.#failures++
      this.#parts.onError(error)
    }
    return Math.min(LAST_RETRY_MS, REST_MS * 2 ** this.#failures)
  }

  async #mendInTurn(guarded: Guarded): Promise<boolean> {
    const suspects = this.#changes.empty()
    if (suspects === undefined) return false
    const startedAt = this.#parts.uptime()
    const done = await this.#mend(guarded, suspects)
    if (!done.table && !done.rules && done.elements === 0) return false
    const tookMs = this.#parts.uptime() - startedAt
    this.#parts.onRepair({ ...done, by: [...suspects.by], tookMs })
    return true
  }

  async #mend(
    { dataplane, revocation }: Guarded,
    suspects: Suspects,
  ): Promise<Pick<Repair, 'table' | 'rules' | 'elements' | 'sets'>> {
    await dataplane.settle()
    const program = suspects.program ? await this.#mendProgram(dataplane) : 'whole'
    if (program === 'replaced') {
      await revocation.mendBars()
      return { table: true, rules: false, elements: 0, sets: [] }
    }
    const faults: ElementFaults[] = []
    for (const [set, elements] of suspects.sets) {
      faults.push(await this.#faultsIn(dataplane.state, set, elements))
    }
    for (const transaction of mendingTransactions(faults)) {
      this.#parts.dataplane.commit(transaction)
      await this.#parts.dataplane.yieldToOthers()
    }
    const wrong = faults.filter(({ surplus, missing }) => surplus.length + missing.length > 0)
    const bars = suspects.bars ? await revocation.mendBars() : 0
    const elements = wrong.reduce((sum, one) => sum + countOf(one), bars)
    const names = wrong.map(({ set }) => set.name)
    return { table: false, rules: program === 'rewritten', elements, sets: names }
  }

  async #mendProgram(dataplane: Dataplane): Promise<'whole' | 'rewritten' | 'replaced'> {
    const { socket, chains } = this.#parts
    const table = findOfProgram(socket, chains)
    if (table !== undefined && isWhole(socket, table, chains, this.#marked)) return 'whole'
    if (this.#rewrite(table)) return 'rewritten'
    await this.#replace(dataplane)
    return 'replaced'
  }

  /** Returns whether the kernel took it: it does not where a chain of ours has become another kind of chain. */
  #rewrite(table: ListedTable | undefined): boolean {
    const { socket, chains, dataplane } = this.#parts
    if (table === undefined) return false
    try {
      dataplane.commit(rewriting(table, listChains(socket, tableReference('sluice')), chains))
    } catch {
      return false
    }
    this.#marked = markRules(socket)
    return true
  }

  async #replace(dataplane: Dataplane): Promise<void> {
    const { socket, chains } = this.#parts
    const { state } = dataplane
    const { locals, chainedInterfaces, ranges, hostPorts } = state
    dataplane.renew(
      await replace(this.#parts.dataplane, chains, findTables(socket), {
        tables: tablesOf(state),
        locals,
        chainedInterfaces,
        ranges,
        hostPorts: [...hostPorts.values()],
      }),
    )
    this.#marked = markRules(socket)
  }

  async #faultsIn(
    state: KernelState,
    set: SetNode,
    suspects: ReadonlyMap<Value, AnyElement> | 'all',
  ): Promise<ElementFaults> {
    const table = tableReference('sluice')
    if (suspects === 'all') {
      return faultsOf(set, wantedElements(state, set), await this.#list(set))
    }
    const keys = [...suspects.values()].map(({ key, last }) => ({
      key,
      ...(last !== undefined && { last }),
    }))
    const wanted = keys.flatMap((element) => wantedElement(state, set, element) ?? [])
    return faultsOf(set, wanted, getElements(this.#parts.socket, table, set, keys))
  }

  async #list(set: SetNode): Promise<readonly AnyElement[]> {
    const socket = this.#parts.openListing()
    try {
      const listed = await listWholeSets(socket, tableReference('sluice'), [set])
      return listed.get(set) ?? []
    } finally {
      socket.close()
    }
  }
}

function countOf({ surplus, missing }: ElementFaults): number {
  return surplus.length + missing.length
}
