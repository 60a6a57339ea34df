import type { Address } from '../policy/address.ts'
import type { Tables } from '../policy/tables.ts'
import { chainedInterface, Dataplane, type DataplaneParts } from './dataplane.ts'
import { diff } from './diff.ts'
import { hostPortOperations } from './host-port-operations.ts'
import type { HostPort } from './host-ports.ts'
import type { FoundTables } from './inspect.ts'
import { emptyKernelState, type KernelState, type Operation, record } from './kernel-state.ts'
import { plan, stepsOf } from './plan.ts'
import type { ProgramChain } from './program.ts'
import { rangeOperations, type Ranges } from './ranges.ts'
import { baseChains, hiddenPart, removal, type TableName } from './table.ts'
import { chunks, transactionFor } from './transactions.ts'

export interface Wanted {
  readonly tables: Tables
  /** Addresses of pods wired on this node, each with its host interface. */
  readonly locals: ReadonlyMap<Address, string>
  /** Host interfaces that others made for one pod alone. */
  readonly chainedInterfaces: ReadonlySet<string>
  /** What is masqueraded. */
  readonly ranges: Ranges
  /** Ports of the node that lead to pods. */
  readonly hostPorts: readonly HostPort[]
}

/**
 * Brings `sluice` into force with this content, whatever the kernel has, and without a moment in which a
 * packet is judged by neither the old nor the new verdicts.
 *
 * A table of the same program is adopted. Otherwise `sluice_next` goes into force beside it first, since
 * to delete and create a table in one batch leaks; while both are there, both have to accept.
 *
 * @throws whatever `parts.commit` throws; the tables that were in force stay
 */
export async function establish(
  parts: DataplaneParts,
  chains: readonly ProgramChain[],
  found: FoundTables,
  wanted: Wanted,
): Promise<Dataplane> {
  if (found.state !== undefined) {
    const dataplane = await adopt(parts, found.state, wanted)
    await remove(parts, 'sluice_next', found.baseChains.get('sluice_next'))
    return dataplane
  }
  return new Dataplane(parts, await replace(parts, chains, found, wanted))
}

/**
 * Puts a new table into force in place of what is found there, if anything is.
 *
 * @throws whatever `parts.commit` throws; the tables that were in force stay
 */
export async function replace(
  parts: DataplaneParts,
  chains: readonly ProgramChain[],
  found: Pick<FoundTables, 'baseChains' | 'inForce'>,
  wanted: Wanted,
): Promise<KernelState> {
  // An earlier agent may have died at any point of this: what is in force stays until its successor is.
  let next = found.baseChains.get('sluice_next')
  const old = found.baseChains.get('sluice')
  if (found.inForce.has('sluice') && !found.inForce.has('sluice_next')) {
    await remove(parts, 'sluice_next', next)
    await install(parts, chains, 'sluice_next', wanted)
    next = chains.filter(({ hook }) => hook !== undefined).map(({ name }) => name)
  }
  await remove(parts, 'sluice', old)
  const state = await install(parts, chains, 'sluice', wanted)
  await remove(parts, 'sluice_next', next)
  return state
}

async function adopt(
  parts: DataplaneParts,
  state: KernelState,
  wanted: Wanted,
): Promise<Dataplane> {
  const dataplane = new Dataplane(parts, state)
  await dataplane.setLocals(wanted.locals, wanted.chainedInterfaces)
  await dataplane.setRanges(wanted.ranges)
  await dataplane.reconcile(wanted.tables)
  await dataplane.setHostPorts(wanted.hostPorts)
  return dataplane
}

/** Makes a table with its content hidden from packets, in pieces; then puts it into force at once. */
async function install(
  parts: DataplaneParts,
  chains: readonly ProgramChain[],
  table: TableName,
  { tables, locals, chainedInterfaces, ranges, hostPorts }: Wanted,
): Promise<KernelState> {
  const state = emptyKernelState()
  parts.commit(hiddenPart(table, chains, parts.ownsTables))
  const content: (readonly Operation[])[] = [
    ...stepsOf(plan(state, diff(state, tables))),
    Array.from(locals, ([address, name]) => ({ kind: 'local', address, interface: name })),
    Array.from(chainedInterfaces, (name) => chainedInterface(name, true)),
    rangeOperations(ranges),
    hostPortOperations(state, [], hostPorts),
  ]
  for (const step of content) {
    for (const operations of chunks(step)) {
      const transaction = transactionFor(table, state, operations)
      if (transaction !== undefined) parts.commit(transaction)
      for (const operation of operations) record(state, operation)
      await parts.yieldToOthers()
    }
  }
  parts.commit(baseChains(table, chains))
  return state
}

/**
 * A packet that came before the other table must be through before this one lets it pass, and through with this one
 * before it goes.
 *
 * @param baseChainNames undefined where there is no such table
 */
async function remove(
  parts: DataplaneParts,
  table: TableName,
  baseChainNames: readonly string[] | undefined,
): Promise<void> {
  if (baseChainNames === undefined) return
  for (const transaction of removal(table, baseChainNames)) {
    await parts.gracePeriod()
    parts.commit(transaction)
  }
}
