import type { AnyElement, SetNode } from '../nftables/set.ts'
import { Transaction } from '../nftables/transaction.ts'
import { elementChanges } from './elements.ts'
import type { KernelState, Operation } from './kernel-state.ts'
import { type TableName, tableReference } from './table.ts'

/**
 * Larger steps are cut: one commit of 100,000 elements holds up forwarding for 60 ms and more, commits of
 * a few thousand for no longer than the machine's own noise.
 */
const CHUNK_OPERATIONS = 2000

/** The step in pieces for one transaction each. What one decision reads together stays together. */
export function* chunks(step: readonly Operation[]): Generator<readonly Operation[]> {
  let start = 0
  for (let end = CHUNK_OPERATIONS; end < step.length; end += CHUNK_OPERATIONS) {
    while (end < step.length && subjectOf(step[end]) === subjectOf(step[end - 1])) end += 1
    yield step.slice(start, end)
    start = end
  }
  if (start < step.length) yield step.slice(start)
}

/** Changes that share a subject and direction; all others stand alone. */
function subjectOf(operation: Operation | undefined): unknown {
  if (operation === undefined || !('subject' in operation)) return operation
  return `${operation.direction} ${operation.subject}`
}

/**
 * One transaction for these operations, which must name different keys. Per set, what goes comes before
 * what is added: the kernel refuses a key or an overlapping interval that is still there.
 *
 * @returns undefined when the kernel need not be told of any of them
 */
export function transactionFor(
  table: TableName,
  state: KernelState,
  operations: readonly Operation[],
): Transaction | undefined {
  const removed = new Map<SetNode, AnyElement[]>()
  const added = new Map<SetNode, AnyElement[]>()
  for (const operation of operations) {
    for (const { set, remove, add } of elementChanges(state, operation)) {
      append(removed, set, remove)
      append(added, set, add)
    }
  }
  if (removed.size === 0 && added.size === 0) return undefined
  const transaction = new Transaction(tableReference(table))
  for (const [set, elements] of removed) {
    transaction.operations.push({ kind: 'deleteElements', set, elements })
  }
  for (const [set, elements] of added) {
    transaction.operations.push({ kind: 'addElements', set, elements, exclusive: true })
  }
  return transaction
}

function append(
  lists: Map<SetNode, AnyElement[]>,
  set: SetNode,
  elements: readonly AnyElement[],
): void {
  if (elements.length === 0) return
  const list = lists.get(set)
  if (list === undefined) lists.set(set, [...elements])
  else list.push(...elements)
}
