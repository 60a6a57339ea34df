import { Pool, type Pooled } from './pool.ts'
import { portSetKey } from '../port-set.ts'
import type { PortSet } from '../ports.ts'
import type { PortSetId } from '../tables.ts'

/** A port set that verdicts refer to. */
export interface HeldPortSet extends Pooled {
  readonly id: PortSetId
  readonly content: PortSet
}

/** 0x8000_0000–0x8000_000f stay free, as the class ids 0–15 do. */
const FIRST_ID = 0x8000_0010

/** One id for each content of a port set; allow-lists only, which have bit 30 clear. */
export class PortSets {
  readonly #pool = new Pool<HeldPortSet>()
  /** Ids that the kernel has for contents from an earlier run, until they are used. */
  readonly #known: Map<string, PortSetId>
  #nextId: number
  #created = new Map<PortSetId, PortSet>()

  constructor(known: Iterable<readonly [PortSetId, PortSet]>) {
    const pairs = [...known]
    this.#known = new Map(pairs.map(([id, content]) => [portSetKey(content), id]))
    this.#nextId = pairs.reduce((next, [id]) => Math.max(next, id + 1), FIRST_ID)
  }

  get size(): number {
    return this.#pool.size
  }

  values(): Iterable<HeldPortSet> {
    return this.#pool.values()
  }

  hold(content: PortSet): HeldPortSet {
    return this.#pool.hold(portSetKey(content), (key) => {
      const id = this.#idFor(key)
      this.#created.set(id, content)
      return { key, holders: 0, id, content }
    })
  }

  drop(portSet: HeldPortSet): void {
    this.#pool.drop(portSet)
  }

  /** What is new since the last call, and what nothing holds any more and is now forgotten. */
  settle(): { readonly created: ReadonlyMap<PortSetId, PortSet>; readonly retired: PortSetId[] } {
    const created = this.#created
    this.#created = new Map()
    return { created, retired: this.#pool.sweep().map(({ id }) => id) }
  }

  #idFor(key: string): PortSetId {
    const known = this.#known.get(key)
    // Once only: an id that has been retired does not come back.
    this.#known.delete(key)
    return known ?? (this.#nextId++ as PortSetId)
  }
}
