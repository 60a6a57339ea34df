import type { Address } from '../../src/policy/address.ts'
import type { Direction } from '../../src/policy/model.ts'
import type { SubjectVerdicts, TableChange, Tables } from '../../src/policy/tables.ts'

/** The tables that a change makes of the tables before it; those stay as they are. */
export function applyChange(tables: Tables, change: TableChange): Tables {
  const portSets = new Map([...tables.portSets, ...change.newPortSets])
  for (const id of change.retiredPortSets) portSets.delete(id)
  return {
    portSets,
    podClasses: amended(tables.podClasses, change.podClasses),
    blockClasses: { ...tables.blockClasses, ...change.blockClasses },
    subjects: {
      ingress: amendedSubjects(tables, change, 'ingress'),
      egress: amendedSubjects(tables, change, 'egress'),
    },
  }
}

function amendedSubjects(
  tables: Tables,
  change: TableChange,
  direction: Direction,
): Map<Address, SubjectVerdicts> {
  const subjects = new Map(tables.subjects[direction])
  for (const [subject, wanted] of change.subjects[direction]) {
    if (wanted === undefined) subjects.delete(subject)
    else {
      const rows = amended(subjects.get(subject)?.rows ?? new Map(), wanted.rows)
      subjects.set(subject, { default: wanted.default, rows })
    }
  }
  return subjects
}

function amended<K, V>(map: ReadonlyMap<K, V>, changes: ReadonlyMap<K, V | undefined>): Map<K, V> {
  const result = new Map(map)
  for (const [key, value] of changes) {
    if (value === undefined) result.delete(key)
    else result.set(key, value)
  }
  return result
}
