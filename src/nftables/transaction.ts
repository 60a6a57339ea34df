import type { Family } from './family.ts'
import type { AnyElement, Element, ElementKey, Fields, SetNode } from './set.ts'
import type { Statement } from './statements.ts'

/** A table, which everything else is in. */
export interface TableReference {
  readonly family: Family
  readonly table: string
}

export interface TableOptions {
  readonly comment?: string
  /**
   * `owner`: only the socket that made the table may change it, and it goes when that socket closes, unless
   * `persist` (Linux 6.9) keeps it.
   */
  readonly flags?: readonly ('owner' | 'persist')[]
}

/** Where packets enter a base chain. */
export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route'
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  readonly priority: number
  readonly policy?: 'accept' | 'drop'
}

/**
 * One change. `exclusive` as in `nft create`: refused where the object exists. Without it, an object that
 * exists with the same content is left as it is (an element with other data is refused either way).
 */
export type Operation =
  | { readonly kind: 'addTable'; readonly options: TableOptions; readonly exclusive: boolean }
  | { readonly kind: 'deleteTable' }
  | {
      readonly kind: 'addChain'
      readonly chain: string
      readonly base?: BaseChain
      readonly exclusive: boolean
    }
  | { readonly kind: 'deleteChain'; readonly chain: string }
  | { readonly kind: 'flushChain'; readonly chain: string }
  | {
      readonly kind: 'addRule'
      readonly chain: string
      readonly statements: readonly Statement[]
      readonly comment?: string
    }
  | { readonly kind: 'deleteRule'; readonly chain: string; readonly handle: bigint }
  | { readonly kind: 'addSet'; readonly set: SetNode; readonly exclusive: boolean }
  | { readonly kind: 'deleteSet'; readonly set: string }
  | { readonly kind: 'flushSet'; readonly set: SetNode }
  | { readonly kind: 'addCounter'; readonly counter: string }
  | { readonly kind: 'deleteCounter'; readonly counter: string }
  | {
      readonly kind: 'addElements'
      readonly set: SetNode
      readonly elements: readonly AnyElement[]
      readonly exclusive: boolean
    }
  | {
      readonly kind: 'deleteElements'
      readonly set: SetNode
      readonly elements: readonly AnyElement[]
    }

/**
 * Changes to one table, which the kernel makes all together or not at all; nothing is sent before `commit`.
 *
 *     new Transaction({ family: 'inet', table: 'sluice' })
 *       .addTable({ comment: 'version 1' })
 *       .addSet(inPods4)
 *       .addChain('forward', { type: 'filter', hook: 'forward', priority: 0 })
 *       .addRule('forward', [notInSet(['ip daddr'], inPods4), accept])
 */
export class Transaction {
  readonly table: TableReference
  readonly operations: Operation[] = []

  constructor(table: TableReference) {
    this.table = table
  }

  addTable(options: TableOptions = {}): this {
    return this.#add({ kind: 'addTable', options, exclusive: false })
  }

  /** Refused where the table exists. */
  createTable(options: TableOptions = {}): this {
    return this.#add({ kind: 'addTable', options, exclusive: true })
  }

  deleteTable(): this {
    return this.#add({ kind: 'deleteTable' })
  }

  /** With `base`, packets enter the chain there; without, by jumps from other chains. */
  addChain(chain: string, base?: BaseChain): this {
    return this.#add({ kind: 'addChain', chain, exclusive: false, ...(base && { base }) })
  }

  /** Refused where the chain exists. */
  createChain(chain: string, base?: BaseChain): this {
    return this.#add({ kind: 'addChain', chain, exclusive: true, ...(base && { base }) })
  }

  deleteChain(chain: string): this {
    return this.#add({ kind: 'deleteChain', chain })
  }

  /** Takes all its rules away. */
  flushChain(chain: string): this {
    return this.#add({ kind: 'flushChain', chain })
  }

  /** Behind the rules that the chain has. */
  addRule(chain: string, statements: readonly Statement[], comment?: string): this {
    const rule = { kind: 'addRule', chain, statements } as const
    return this.#add(comment === undefined ? rule : { ...rule, comment })
  }

  deleteRule(chain: string, handle: bigint): this {
    return this.#add({ kind: 'deleteRule', chain, handle })
  }

  addSet(set: SetNode): this {
    return this.#add({ kind: 'addSet', set, exclusive: false })
  }

  /** Refused where the set exists. */
  createSet(set: SetNode): this {
    return this.#add({ kind: 'addSet', set, exclusive: true })
  }

  deleteSet(set: string): this {
    return this.#add({ kind: 'deleteSet', set })
  }

  /** Takes all its elements away. */
  flushSet(set: SetNode): this {
    return this.#add({ kind: 'flushSet', set })
  }

  addCounter(counter: string): this {
    return this.#add({ kind: 'addCounter', counter })
  }

  deleteCounter(counter: string): this {
    return this.#add({ kind: 'deleteCounter', counter })
  }

  /** Refused where a key exists with other data: `replaceElements` changes it. */
  addElements<K extends Fields, D extends Fields>(
    set: SetNode<K, D>,
    elements: readonly NoInfer<Element<K, D>>[],
  ): this {
    return this.#add({ kind: 'addElements', set, elements, exclusive: false })
  }

  /** Refused where a key exists at all. */
  createElements<K extends Fields, D extends Fields>(
    set: SetNode<K, D>,
    elements: readonly NoInfer<Element<K, D>>[],
  ): this {
    return this.#add({ kind: 'addElements', set, elements, exclusive: true })
  }

  /**
   * Gives keys that exist other data. The kernel has no such operation: they are deleted and added in the
   * same transaction, in this order (the other one is refused).
   */
  replaceElements<K extends Fields, D extends Fields>(
    set: SetNode<K, D>,
    elements: readonly NoInfer<Element<K, D>>[],
  ): this {
    return this.#add({ kind: 'deleteElements', set, elements }).createElements(set, elements)
  }

  /**
   * Makes sure that they are not there, such as elements whose time may have run out. Added and deleted in
   * one transaction, since only kernels from 6.3 on have an operation for it; in a map, with the data there.
   */
  destroyElements<K extends Fields, D extends Fields>(
    set: SetNode<K, D>,
    elements: readonly NoInfer<Element<K, D>>[],
  ): this {
    this.addElements(set, elements)
    return this.#add({ kind: 'deleteElements', set, elements })
  }

  /** Refused where one of them does not exist. */
  deleteElements<K extends Fields>(
    set: SetNode<K>,
    elements: readonly NoInfer<ElementKey<K>>[],
  ): this {
    return this.#add({ kind: 'deleteElements', set, elements })
  }

  #add(operation: Operation): this {
    this.operations.push(operation)
    return this
  }
}
