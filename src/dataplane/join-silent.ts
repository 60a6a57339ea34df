import type { Address } from '../policy/address.ts'
import type { TableChange } from '../policy/tables.ts'

/**
 * Changes in fewer: those that only say which classes a pod has that comes or goes go together with the change
 * that follows. Between other addresses neither of them moves anyone and switches verdicts.
 *
 * @param changes one after the other as they are found, and pauses between them, which are passed on
 * @param silent addresses of pods whose links are down, of which no packet is on its way
 */
export function* joinSilent(
  changes: Iterable<TableChange | 'pause'>,
  silent: ReadonlySet<Address>,
): Generator<TableChange | 'pause', void> {
  let before: TableChange | undefined
  for (const change of changes) {
    if (change === 'pause') yield change
    else if (before !== undefined && onlyClassifies(before, silent)) {
      const podClasses: TableChange['podClasses'] = new Map([
        ...before.podClasses,
        ...change.podClasses,
      ])
      before = { ...change, podClasses }
    } else {
      if (before !== undefined) yield before
      before = change
    }
  }
  if (before !== undefined) yield before
}

function onlyClassifies(change: TableChange, silent: ReadonlySet<Address>): boolean {
  const { newPortSets, podClasses, blockClasses, subjects, retiredClasses, retiredPortSets } =
    change
  return (
    podClasses.keys().every((address) => silent.has(address)) &&
    Object.keys(blockClasses).length === 0 &&
    newPortSets.size + subjects.ingress.size + subjects.egress.size === 0 &&
    retiredClasses.length + retiredPortSets.length === 0
  )
}
