import { decode } from '../netlink/decode.ts'
import { nfgenmsg } from '../netlink/headers.ts'
import { type Reply, readReply } from '../netlink/message.ts'
import { MESSAGE_TYPES } from '../netlink/message-types.ts'
import { NFTA_GEN, NFTA_SET_ELEM_DUMP } from '../nftables/attributes.ts'
import { type Notification, readNotification } from '../nftables/notification.ts'
import type { Value } from '../nftables/datatypes.ts'
import { readElements } from '../nftables/read-elements.ts'
import { type AnyElement, hasBounds, type SetNode } from '../nftables/set.ts'
import { sets } from './sets.ts'
import { identityOf, wantedSets } from './wanted-elements.ts'

/** What others may have changed in `table inet sluice`, to be held against what was committed. */
export interface Suspects {
  /** The table itself, its chains or rules. */
  readonly program: boolean
  /** Elements by identity, or all that the set has. */
  readonly sets: ReadonlyMap<SetNode, ReadonlyMap<Value, AnyElement> | 'all'>
  /** What is barred for a while. */
  readonly bars: boolean
  /** Programs that made the changes, as far as the kernel has told. */
  readonly by: ReadonlySet<string>
}

/** More than so many elements of a set are not asked for one by one. */
const MANY_ELEMENTS = 1000

const byName: ReadonlyMap<string, SetNode> = new Map(
  Array.from(wantedSets(), (set) => [set.name, set]),
)
const BARS: ReadonlySet<string> = new Set(Object.values(sets.cut).map(({ name }) => name))

/** Gathers what the kernel's notifications of others' changes say of our table. */
export class ForeignChanges {
  #program = false
  #bars = false
  #sets = new Map<SetNode, Map<Value, AnyElement> | 'all'>()
  #by = new Set<string>()
  /** The transaction that is being told of is one of those. */
  #isTold = false

  /** Returns whether it was the end of a transaction by which others have changed our table. */
  take(reply: Reply): boolean {
    if (reply.type === MESSAGE_TYPES.NFT_MSG_NEWGEN) return this.#takeEnd(reply)
    const told = readNotification(reply)
    if (told?.family === 'inet' && told.table === 'sluice') this.#takeChange(told, reply)
    return false
  }

  #takeChange(told: Notification, reply: Reply): void {
    this.#isTold = true
    // Sets that are not ours belong to rules, and come and go with these.
    const set = byName.get(told.name)
    if (told.object === 'element' && set !== undefined) this.#takeElements(set, reply)
    else if (BARS.has(told.name)) this.#bars = true
    else if (told.object === 'set' && set !== undefined) this.suspectAll()
    else this.#program = true
  }

  /** Whether anything was gathered since the last time. */
  get isAny(): boolean {
    return this.#program || this.#bars || this.#sets.size > 0
  }

  /** Beside sets that are named one by one: the program, and what is barred. */
  suspectProgram(): void {
    this.#program = true
    this.#bars = true
  }

  /** All that a set holds. */
  suspectSet(set: SetNode): void {
    this.#sets.set(set, 'all')
  }

  /** An element that a set holds, or lacks. */
  suspect(set: SetNode, element: AnyElement): void {
    const before = this.#sets.get(set) ?? new Map<Value, AnyElement>()
    if (before === 'all') return
    if (hasBounds(set) || before.size >= MANY_ELEMENTS) {
      this.suspectSet(set)
      return
    }
    this.#sets.set(set, before.set(identityOf(element), element))
  }

  /** What was told is not all, or a set or the whole table was changed. */
  suspectAll(): void {
    this.suspectProgram()
    for (const set of wantedSets()) this.suspectSet(set)
  }

  /** All that was gathered since the last time; undefined where there was nothing. */
  empty(): Suspects | undefined {
    if (!this.isAny) return undefined
    const suspects = { program: this.#program, bars: this.#bars, sets: this.#sets, by: this.#by }
    this.#program = false
    this.#bars = false
    this.#sets = new Map()
    this.#by = new Set()
    return suspects
  }

  /** Behind each transaction the kernel says who made it. */
  #takeEnd(reply: Reply): boolean {
    if (!this.#isTold) return false
    this.#isTold = false
    const { NFTA_GEN_PROC_NAME: name, NFTA_GEN_PROC_PID: pid } = decode(
      NFTA_GEN,
      reply.payload.subarray(nfgenmsg.bytes),
    )
    if (name !== undefined) this.#by.add(`${name} (process ${pid ?? '?'})`)
    return true
  }

  #takeElements(set: SetNode, reply: Reply): void {
    if (this.#sets.get(set) === 'all') return
    if (hasBounds(set)) {
      this.suspectSet(set)
      return
    }
    const { attributes } = readReply(reply, nfgenmsg, NFTA_SET_ELEM_DUMP)
    for (const element of readElements(set, attributes.NFTA_SET_ELEM_LIST_ELEMENTS ?? [])) {
      this.suspect(set, element)
    }
  }
}
