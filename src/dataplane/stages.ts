import type { Address, Family } from '../policy/address.ts'
import { ip4, ip6 } from '../policy/address.ts'
import { classOf } from '../policy/decide.ts'
import { locate } from '../policy/locate.ts'
import type { Direction } from '../policy/model.ts'
import {
  type BlockClass,
  type ClassId,
  type SubjectVerdicts,
  type Tables,
  WORLD,
} from '../policy/tables.ts'
import { FAMILIES } from './kernel-state.ts'

/**
 * The way from verdicts in force to others that need not have anything in common with them. Between two
 * neighbours of held, refined, switched and wanted either addresses move or verdicts switch, never both, as
 * in the changes of the compiler:
 *  1. *refined*: classes tell apart what either of the two tells apart, the verdicts are those held;
 *  2. *switched*: no address has moved, the verdicts are those wanted;
 *  3. wanted.
 *
 * @param highestHeld the highest class id that the kernel names: those that only the way needs lie above it
 */
export function stages(
  held: Tables,
  wanted: Tables,
  highestHeld: number,
): readonly [refined: Tables, switched: Tables, wanted: Tables] {
  const classes = new Refinement(wanted, highestHeld)
  const podClasses = new Map<Address, ClassId>()
  for (const address of [...held.podClasses.keys(), ...wanted.podClasses.keys()]) {
    podClasses.set(address, classes.of(classOf(held, address), classOf(wanted, address)))
  }
  const blocks = (family: Family): BlockClass[] =>
    overlay(held.blockClasses[family], wanted.blockClasses[family]).map((piece) => ({
      first: piece.first,
      last: piece.last,
      class: classes.of(piece.held, piece.wanted),
    }))
  const addresses = {
    portSets: new Map([...held.portSets, ...wanted.portSets]),
    podClasses,
    blockClasses: { 4: blocks(4), 6: blocks(6) },
  }
  return [
    { ...addresses, subjects: classes.subjects(held, 'held') },
    { ...addresses, subjects: classes.subjects(wanted, 'wanted') },
    wanted,
  ]
}

interface Origin {
  readonly held: ClassId
  readonly wanted: ClassId
}

/** One class for each pair of a class held and a class wanted that some address has. */
class Refinement {
  readonly #ids = new Map<string, ClassId>()
  readonly #origins = new Map<ClassId, Origin>([[WORLD, { held: WORLD, wanted: WORLD }]])
  readonly #wantedClasses: ReadonlySet<ClassId>
  #lastId: number

  constructor(wanted: Tables, highestHeld: number) {
    this.#ids.set(`${WORLD} ${WORLD}`, WORLD)
    this.#wantedClasses = new Set([
      ...wanted.podClasses.values(),
      ...FAMILIES.flatMap((family) => wanted.blockClasses[family].map((block) => block.class)),
    ])
    this.#lastId = Math.max(highestHeld, ...this.#wantedClasses)
  }

  of(held: ClassId, wanted: ClassId): ClassId {
    const key = `${held} ${wanted}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = this.#mayStay(held, wanted) ? held : (++this.#lastId as ClassId)
    this.#ids.set(key, id)
    this.#origins.set(id, { held, wanted })
    return id
  }

  subjects(tables: Tables, side: keyof Origin): Tables['subjects'] {
    const refine = (direction: Direction): Map<Address, SubjectVerdicts> =>
      new Map(
        Array.from(tables.subjects[direction], ([subject, verdicts]) => [
          subject,
          { default: verdicts.default, rows: this.#rows(verdicts, side) },
        ]),
      )
    return { ingress: refine('ingress'), egress: refine('egress') }
  }

  /** Addresses that keep their id need not move, but no id may mean two things on the way. */
  #mayStay(held: ClassId, wanted: ClassId): boolean {
    if (held === wanted) return true
    return held !== WORLD && !this.#wantedClasses.has(held) && !this.#origins.has(held)
  }

  #rows({ rows }: SubjectVerdicts, side: keyof Origin): SubjectVerdicts['rows'] {
    return new Map(
      [...this.#origins].flatMap(([id, origin]) => {
        const portSet = rows.get(origin[side])
        return portSet === undefined ? [] : [[id, portSet] as const]
      }),
    )
  }
}

/** A range of addresses that neither the blocks held nor those wanted tell apart. */
interface Piece extends Origin {
  readonly first: Address
  readonly last: Address
}

/** Cuts two lists of disjoint blocks at the edges of both; what is in neither is left out. */
function overlay(held: readonly BlockClass[], wanted: readonly BlockClass[]): Piece[] {
  const edges = new Set(
    [...held, ...wanted].flatMap(({ first, last }) => [BigInt(first), BigInt(last) + 1n]),
  )
  const ascending = [...edges].sort((a, b) => (a < b ? -1 : 1))
  const isIp4 = typeof (held[0] ?? wanted[0])?.first === 'number'
  const toAddress = (edge: bigint): Address => (isIp4 ? ip4(Number(edge)) : ip6(edge))
  return ascending.slice(1).flatMap((end, index) => {
    const first = toAddress(ascending[index] ?? end)
    const origin = { held: classIn(held, first), wanted: classIn(wanted, first) }
    if (origin.held === WORLD && origin.wanted === WORLD) return []
    return [{ first, last: toAddress(end - 1n), ...origin }]
  })
}

function classIn(blocks: readonly BlockClass[], address: Address): ClassId {
  return locate(blocks, address)?.class ?? WORLD
}
