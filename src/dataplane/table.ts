import { createHash } from 'node:crypto'
import type { SetNode } from '../nftables/set.ts'
import { type BaseChain, type TableReference, Transaction } from '../nftables/transaction.ts'
import { WORLD } from '../policy/tables.ts'
import { FAMILIES } from './kernel-state.ts'
import { OWNED } from './own-tables.ts'
import { COUNTERS, type ProgramChain } from './program.ts'
import { sets } from './sets.ts'

/** The second name is in use only while one program version replaces another. */
export type TableName = 'sluice' | 'sluice_next'

export function tableReference(table: TableName): TableReference {
  return { family: 'inet', table }
}

/** Every set of the table, in a fixed order. */
export const allSets: readonly SetNode[] = flatten(sets)

/**
 * Table, sets, counters and all chains that no packet enters by itself: nothing of it is in force yet.
 * The comment says which program it is.
 *
 * @param isOwned only the socket that commits it may change it
 */
export function hiddenPart(
  table: TableName,
  chains: readonly ProgramChain[],
  isOwned = false,
): Transaction {
  const transaction = new Transaction(tableReference(table)).createTable({
    comment: commentOf(chains),
    ...(isOwned && { flags: OWNED }),
  })
  for (const set of allSets) transaction.createSet(set)
  for (const counter of COUNTERS) transaction.addCounter(counter)
  for (const family of FAMILIES) {
    transaction.operations.push({
      kind: 'addElements',
      set: sets.blockClass[family],
      elements: [{ key: '*', data: WORLD }],
      exclusive: true,
    })
  }
  const inner = chains.filter((chain) => chain.hook === undefined)
  for (const { name } of inner) transaction.createChain(name)
  for (const { name, rules } of inner) {
    for (const rule of rules) transaction.addRule(name, rule)
  }
  return transaction
}

/** The chains that packets enter, all at once: with them the table is in force. */
export function baseChains(table: TableName, chains: readonly ProgramChain[]): Transaction {
  const transaction = new Transaction(tableReference(table))
  for (const chain of chains) {
    const base = baseOf(chain)
    if (base === undefined) continue
    transaction.createChain(chain.name, base)
    for (const rule of chain.rules) transaction.addRule(chain.name, rule)
  }
  return transaction
}

/** Where packets enter the chain; undefined for one that is only jumped to. */
export function baseOf({ hook }: ProgramChain): Required<BaseChain> | undefined {
  return hook && { type: hook.type, hook: hook.name, priority: hook.priority, policy: 'accept' }
}

/**
 * Takes a table out of force and away. Flushing a chain is one instant for packets, deleting a table is not:
 * so all base chains lose their rules first.
 *
 * @param chainNames those that the table has with a hook
 */
export function removal(table: TableName, chainNames: readonly string[]): readonly Transaction[] {
  const flush = new Transaction(tableReference(table))
  for (const name of chainNames) flush.flushChain(name)
  return [flush, new Transaction(tableReference(table)).deleteTable()]
}

/** Identifies the program in the table's comment: two agents with the same one can hand a table over. */
export function commentOf(chains: readonly ProgramChain[]): string {
  const text = JSON.stringify([allSets, COUNTERS, chains], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return `sluice program ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`
}

function flatten(tree: object): SetNode[] {
  return Object.values(tree).flatMap((node: object) => (isSet(node) ? [node] : flatten(node)))
}

function isSet(node: object): node is SetNode {
  return 'kind' in node && node.kind === 'set'
}
