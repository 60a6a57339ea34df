import type { Port } from '../model.ts'
import { Pool, type Pooled } from './pool.ts'
import { type ClassId, WORLD } from '../tables.ts'
import type { TraitId } from './traits.ts'

/** All that policy in force can know about an address. */
export interface ClassContent {
  /** Of its pod, ascending. */
  readonly podTraits: readonly TraitId[]
  /** Of its place among the blocks, ascending. */
  readonly blockTraits: readonly TraitId[]
  /** Its pod's ports by the names that egress rules ask for, ascending. */
  readonly namedPorts: ReadonlyMap<TraitId, readonly Port[]>
}

export interface AddressClass extends Pooled, ClassContent {
  readonly id: ClassId
}

/** One class for each content, and the way back from traits to classes. */
export class Classes {
  readonly #pool = new Pool<AddressClass>()
  readonly #having = new Map<TraitId, Set<AddressClass>>()
  #nextId: number
  #created: AddressClass[] = []

  /** @param firstId the first id to be given; `WORLD` apart, which is there from the start and stays. */
  constructor(firstId: number) {
    this.#nextId = Math.max(firstId, WORLD + 1)
    const content = { podTraits: [], blockTraits: [], namedPorts: new Map() }
    this.#pool.hold(keyOf(content), (key) => ({ ...content, key, holders: 0, id: WORLD }))
  }

  /** Classes in use, `WORLD` included. */
  get size(): number {
    return this.#pool.size
  }

  hold(content: ClassContent): AddressClass {
    return this.#pool.hold(keyOf(content), (key) => {
      const made = { ...content, key, holders: 0, id: this.#nextId++ as ClassId }
      for (const trait of traitsOf(made)) {
        const having = this.#having.get(trait)
        if (having === undefined) this.#having.set(trait, new Set([made]))
        else having.add(made)
      }
      this.#created.push(made)
      return made
    })
  }

  drop(dropped: AddressClass): void {
    this.#pool.drop(dropped)
  }

  having(trait: TraitId): Iterable<AddressClass> {
    return this.#having.get(trait) ?? []
  }

  /** What is new since the last call, and what no address has any more and is now forgotten. */
  settle(): { readonly created: readonly AddressClass[]; readonly retired: AddressClass[] } {
    const created = this.#created
    this.#created = []
    const retired = this.#pool.sweep()
    for (const gone of retired) {
      for (const trait of traitsOf(gone)) {
        const having = this.#having.get(trait)
        if (having?.delete(gone) && having.size === 0) this.#having.delete(trait)
      }
    }
    return { created, retired }
  }
}

/** Everything that a verdict may depend on. */
export function* traitsOf(content: ClassContent): Iterable<TraitId> {
  yield* content.podTraits
  yield* content.blockTraits
  yield* content.namedPorts.keys()
}

/** Trait ids say their kind, so one list would do; three spare a merge. */
function keyOf({ podTraits, blockTraits, namedPorts }: ClassContent): string {
  const key = `${podTraits.join()}/${blockTraits.join()}`
  if (namedPorts.size === 0) return key
  return `${key}/${[...namedPorts].map(([trait, ports]) => `${trait}=${ports.join()}`).join(';')}`
}
