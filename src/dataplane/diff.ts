import type { Address } from '../policy/address.ts'
import type { Direction } from '../policy/model.ts'
import {
  type BlockClass,
  type ClassId,
  type SubjectChange,
  type TableChange,
  type Tables,
  WORLD,
} from '../policy/tables.ts'
import { classesOf, FAMILIES, type KernelState, type SubjectState } from './kernel-state.ts'

/**
 * The change that turns what the kernel holds into what is wanted, whatever it holds: another agent's
 * verdicts, the rest of a transaction that was never finished.
 *
 * The class ids of `wanted` must be above all that the kernel holds (but for `WORLD`), so that no address
 * moves to a class whose rows mean something else; port set ids of equal content should be equal.
 */
export function diff(held: KernelState, wanted: Tables): TableChange {
  return {
    newPortSets: new Map([...wanted.portSets].filter(([id]) => !held.portSets.has(id))),
    podClasses: difference(held.podClasses, wanted.podClasses),
    blockClasses: Object.fromEntries(
      FAMILIES.filter(
        (family) => !same(held.blockClasses[family], wanted.blockClasses[family]),
      ).map((family) => [family, wanted.blockClasses[family]]),
    ),
    subjects: {
      ingress: subjectDifference(held, wanted, 'ingress'),
      egress: subjectDifference(held, wanted, 'egress'),
    },
    retiredClasses: [...classesOf(held).difference(classesIn(wanted))],
    retiredPortSets: [...held.portSets.keys()].filter((id) => !wanted.portSets.has(id)),
  }
}

/** The assignments that turn one map into the other. */
function difference<K, V>(
  held: ReadonlyMap<K, V>,
  wanted: ReadonlyMap<K, V>,
): Map<K, V | undefined> {
  const changes = new Map<K, V | undefined>()
  for (const [key, value] of wanted) if (held.get(key) !== value) changes.set(key, value)
  for (const key of held.keys()) if (!wanted.has(key)) changes.set(key, undefined)
  return changes
}

function subjectDifference(
  held: KernelState,
  wanted: Tables,
  direction: Direction,
): Map<Address, SubjectChange | undefined> {
  const changes = new Map<Address, SubjectChange | undefined>()
  for (const [address, verdicts] of wanted.subjects[direction]) {
    const before: SubjectState | undefined = held.subjects[direction].get(address)
    const rows = difference(before?.rows ?? new Map(), verdicts.rows)
    if (!before?.member || before.default !== verdicts.default || rows.size > 0) {
      changes.set(address, { default: verdicts.default, rows })
    }
  }
  for (const address of held.subjects[direction].keys()) {
    if (!wanted.subjects[direction].has(address)) changes.set(address, undefined)
  }
  return changes
}

function same(held: readonly BlockClass[], wanted: readonly BlockClass[]): boolean {
  return (
    held.length === wanted.length &&
    held.every((block, index) => {
      const other = wanted[index]
      return (
        block.first === other?.first && block.last === other.last && block.class === other.class
      )
    })
  )
}

function classesIn(wanted: Tables): Set<ClassId> {
  const classes = new Set(wanted.podClasses.values()).add(WORLD)
  for (const family of FAMILIES) {
    for (const block of wanted.blockClasses[family]) classes.add(block.class)
  }
  return classes
}
