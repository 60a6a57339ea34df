import { asPrimitive } from '../nftables/as-primitive.ts'
import type { AnyElement, SetNode } from '../nftables/set.ts'
import { Transaction } from '../nftables/transaction.ts'
import { tableReference } from './table.ts'
import { identityOf } from './wanted-elements.ts'

/** What has to go from a set, and what has to come; a key with other data is in both. */
export interface ElementFaults {
  readonly set: SetNode
  readonly surplus: readonly AnyElement[]
  readonly missing: readonly AnyElement[]
}

/** What differs between the elements that a set has to hold and those that it holds. */
export function faultsOf(
  set: SetNode,
  wanted: Iterable<AnyElement>,
  found: readonly AnyElement[],
): ElementFaults {
  const held = new Map(found.map((element) => [identityOf(element), element]))
  const missing: AnyElement[] = []
  for (const element of wanted) {
    const identity = identityOf(element)
    if (isSame(held.get(identity), element)) held.delete(identity)
    else missing.push(element)
  }
  return { set, surplus: [...held.values()], missing }
}

/** Whether an element is there, and leads to the same. */
export function isSame(held: AnyElement | undefined, wanted: AnyElement): boolean {
  return held !== undefined && asPrimitive(held.data ?? '') === asPrimitive(wanted.data ?? '')
}

/** Elements in one transaction at most: more hold up forwarding. */
const CHUNK_ELEMENTS = 2000

/** Puts it right: what goes first, since the kernel refuses what is still there in another form. */
export function mendingTransactions(faults: readonly ElementFaults[]): Transaction[] {
  const operations = [
    ...faults.flatMap(({ set, surplus }) =>
      chunksOf(surplus).map((elements) => ({ kind: 'deleteElements', set, elements }) as const),
    ),
    ...faults.flatMap(({ set, missing }) =>
      chunksOf(missing).map(
        (elements) => ({ kind: 'addElements', set, elements, exclusive: true }) as const,
      ),
    ),
  ]
  const transactions: Transaction[] = []
  let room = 0
  for (const operation of operations) {
    const last = transactions.at(-1)
    const fits = last !== undefined && operation.elements.length <= room
    const transaction = fits ? last : new Transaction(tableReference('sluice'))
    if (!fits) {
      transactions.push(transaction)
      room = CHUNK_ELEMENTS
    }
    transaction.operations.push(operation)
    room -= operation.elements.length
  }
  return transactions
}

function chunksOf(elements: readonly AnyElement[]): (readonly AnyElement[])[] {
  const count = Math.ceil(elements.length / CHUNK_ELEMENTS)
  return Array.from({ length: count }, (_, index) =>
    elements.slice(index * CHUNK_ELEMENTS, (index + 1) * CHUNK_ELEMENTS),
  )
}
