import type { Address } from '../policy/address.ts'
import type { TableChange } from '../policy/tables.ts'

/**
 * Changes in fewer: those that only say which classes a pod has that arrives go together with the change that
 * follows. Between other addresses neither of them moves anyone and switches verdicts.
 *
 * @param arriving addresses of a pod whose link is not up, of which no packet is on its way
 */
export function joinArrival(
  changes: readonly TableChange[],
  arriving: ReadonlySet<Address>,
): TableChange[] {
  const joined: TableChange[] = []
  for (const change of changes) {
    const before = joined.at(-1)
    if (before !== undefined && onlyClassifies(before, arriving)) {
      const podClasses = new Map([...before.podClasses, ...change.podClasses])
      joined[joined.length - 1] = { ...change, podClasses }
    } else joined.push(change)
  }
  return joined
}

function onlyClassifies(change: TableChange, arriving: ReadonlySet<Address>): boolean {
  const { newPortSets, podClasses, blockClasses, subjects, retiredClasses, retiredPortSets } =
    change
  return (
    podClasses.keys().every((address) => arriving.has(address)) &&
    Object.keys(blockClasses).length === 0 &&
    newPortSets.size + subjects.ingress.size + subjects.egress.size === 0 &&
    retiredClasses.length + retiredPortSets.length === 0
  )
}
