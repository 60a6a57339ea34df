import { isDeepStrictEqual } from 'node:util'
import type { NetlinkSocket } from '../netlink/socket.ts'
import {
  type ListedChain,
  type ListedTable,
  listChains,
  listRules,
  listTables,
} from '../nftables/list.ts'
import { Transaction } from '../nftables/transaction.ts'
import { COUNTERS, type ProgramChain } from './program.ts'
import { allSets, baseOf, commentOf, tableReference } from './table.ts'

/**
 * The rules that the kernel has, by chain and in their order, as it encodes them. A handle alone does not tell: a rule
 * that replaces another gets its handle (Linux 6.18). The sets that belong to rules need no look, since the kernel
 * refuses to change them.
 */
export type RulesMark = ReadonlyMap<string, readonly string[]>

export function markRules(socket: NetlinkSocket): RulesMark {
  const mark = new Map<string, string[]>()
  for (const { chain, handle, expressions } of listRules(socket, tableReference('sluice'))) {
    const rule = `${handle} ${Buffer.from(expressions).toString('latin1')}`
    const rules = mark.get(chain)
    if (rules === undefined) mark.set(chain, [rule])
    else rules.push(rule)
  }
  return mark
}

/** The table, if it is of this program, so that its chains can be put right where it stands. */
export function findOfProgram(
  socket: NetlinkSocket,
  chains: readonly ProgramChain[],
): ListedTable | undefined {
  const comment = commentOf(chains)
  return listTables(socket, 'inet').find((one) => one.table === 'sluice' && one.comment === comment)
}

/** Whether packets meet just this program: these chains, with the rules that were marked, switched on. */
export function isWhole(
  socket: NetlinkSocket,
  table: ListedTable,
  chains: readonly ProgramChain[],
  marked: RulesMark | undefined,
): boolean {
  if (marked === undefined || table.flags.includes('dormant')) return false
  const held = new Map(listChains(socket, tableReference('sluice')).map((one) => [one.chain, one]))
  const areOurs =
    held.size === chains.length &&
    chains.every((chain) => isDeepStrictEqual(held.get(chain.name)?.base, baseOf(chain)))
  return areOurs && isDeepStrictEqual(markRules(socket), marked)
}

/**
 * Writes all rules anew, and takes away chains that are not ours. For packets each chain changes in one instant
 * (nf_tables_commit_chain), so that rules which were right before do not lapse.
 */
export function rewriting(
  table: ListedTable,
  held: readonly ListedChain[],
  chains: readonly ProgramChain[],
): Transaction {
  const transaction = new Transaction(tableReference('sluice'))
  const flags = table.flags.flatMap((flag) => (flag === 'dormant' ? [] : [flag]))
  if (table.flags.includes('dormant')) transaction.addTable({ flags })
  for (const set of allSets) transaction.addSet(set)
  for (const counter of COUNTERS) transaction.addCounter(counter)
  for (const chain of chains) transaction.addChain(chain.name, baseOf(chain))
  for (const { name } of chains) transaction.flushChain(name)
  const ours = new Set(chains.map(({ name }) => name))
  const foreign = held.filter(({ chain }) => !ours.has(chain))
  for (const { chain } of foreign) transaction.flushChain(chain)
  for (const { chain } of foreign) transaction.deleteChain(chain)
  for (const { name, rules } of chains) {
    for (const rule of rules) transaction.addRule(name, rule)
  }
  return transaction
}
