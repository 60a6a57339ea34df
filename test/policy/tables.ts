import type { Direction } from '../../src/policy/model.ts'
import type { Address } from '../../src/policy/address.ts'
import { classOf } from '../../src/policy/decide.ts'
import { portSetKey } from '../../src/policy/port-set.ts'
import { type TableChange, type Tables, WORLD } from '../../src/policy/tables.ts'
import { applyChange } from './apply-change.ts'
import { ADDRESSES } from './arbitraries.ts'

/** What a compiler that has heard nothing says. */
export const EMPTY: Tables = {
  portSets: new Map(),
  podClasses: new Map(),
  blockClasses: { 4: [], 6: [] },
  subjects: { ingress: new Map(), egress: new Map() },
}

const EVERY_ADDRESS = [...ADDRESSES[4], ...ADDRESSES[6]]
const DIRECTIONS: readonly Direction[] = ['ingress', 'egress']

/** The port set by which one address judges another; undefined where it is not isolated. */
interface PairVerdict {
  readonly direction: Direction
  readonly subject: Address
  readonly peer: Address
  readonly portSet: string | undefined
}

/** The verdict of each subject on each address, always in the same order. */
export function verdictsOf(tables: Tables): PairVerdict[] {
  const classes = EVERY_ADDRESS.map((address) => classOf(tables, address))
  const texts = new Map([...tables.portSets].map(([id, set]) => [id, portSetKey(set)]))
  const verdicts: PairVerdict[] = []
  for (const direction of DIRECTIONS) {
    for (const subject of EVERY_ADDRESS) {
      const held = tables.subjects[direction].get(subject)
      EVERY_ADDRESS.forEach((peer, at) => {
        if (subject === peer) return
        const id = held?.rows.get(classes[at] ?? WORLD) ?? held?.default
        const portSet = id === undefined ? undefined : (texts.get(id) ?? 'no such port set')
        verdicts.push({ direction, subject, peer, portSet })
      })
    }
  }
  return verdicts
}

/**
 * The tables as a packet sees them that reads classes before a change and verdicts after it: what is
 * retired goes later, so that it still finds the rows of the class that it has.
 */
export function straddled(before: Tables, change: TableChange): Tables {
  const retired = new Set<number>(change.retiredClasses)
  const keep = (direction: Direction): TableChange['subjects'][Direction] =>
    new Map(
      [...change.subjects[direction]].map(([subject, wanted]) => [
        subject,
        wanted && {
          default: wanted.default,
          rows: new Map([...wanted.rows].filter(([id]) => !retired.has(id))),
        },
      ]),
    )
  return applyChange(before, {
    newPortSets: change.newPortSets,
    podClasses: new Map(),
    blockClasses: {},
    subjects: { ingress: keep('ingress'), egress: keep('egress') },
    retiredClasses: [],
    retiredPortSets: [],
  })
}

/** Every class and port set that the tables mention. */
export function idsIn(tables: Tables): Set<number> {
  const ids = new Set<number>([WORLD, ...tables.portSets.keys(), ...tables.podClasses.values()])
  for (const blocks of Object.values(tables.blockClasses)) {
    for (const block of blocks) ids.add(block.class)
  }
  for (const direction of DIRECTIONS) {
    for (const verdicts of tables.subjects[direction].values()) {
      ids.add(verdicts.default)
      for (const [id, portSet] of verdicts.rows) ids.add(id).add(portSet)
    }
  }
  return ids
}

/** The tables without their ids: equal for tables that say the same, whatever order led to them. */
export function meaningOf(tables: Tables): unknown {
  return {
    portSets: [...tables.portSets.values()].map(portSetKey).sort(),
    owned: new Set(tables.podClasses.keys()),
    alike: alike([...tables.podClasses].map(([address, id]) => [`${address}`, id])),
    blocks: Object.values(tables.blockClasses).map((blocks) =>
      alike(blocks.map(({ first, last, class: id }) => [`${first}-${last}`, id])),
    ),
    verdicts: verdictsOf(tables),
  }
}

/** Names each id by the first item that has it. */
function alike(items: readonly (readonly [string, number])[]): Map<string, string> {
  const names = new Map<number, string>()
  const sorted = [...items].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(
    sorted.map(([item, id]) => {
      const name = names.get(id) ?? item
      names.set(id, name)
      return [item, name]
    }),
  )
}
