import type { Address, Family } from '../address.ts'
import type { AddressClass, ClassContent, Classes } from './classes.ts'
import type { Draft } from './draft.ts'
import type { Inventory } from './inventory.ts'
import type { BlockClass, ClassId, Tables } from '../tables.ts'
import type { Traits } from './traits.ts'

/** The class of every address: those that pods own one by one, the others by the blocks in force. */
export class AddressClasses {
  readonly #inventory: Inventory
  readonly #traits: Traits
  readonly #classes: Classes
  readonly #owned = new Map<Address, AddressClass>()
  readonly #held: Record<Family, readonly AddressClass[]> = { 4: [], 6: [] }
  readonly #blocks: Record<Family, readonly BlockClass[]> = { 4: [], 6: [] }

  constructor(inventory: Inventory, traits: Traits, classes: Classes) {
    this.#inventory = inventory
    this.#traits = traits
    this.#classes = classes
  }

  /** Cuts the addresses by the blocks in force anew. Pods' addresses keep their classes until `update`. */
  updateBlocks(draft: Draft): void {
    this.#updateBlocksOf(4, draft)
    this.#updateBlocksOf(6, draft)
  }

  /** Finds the class of an address anew, if a pod owns it or did. */
  update(address: Address, draft: Draft): void {
    const before = this.#owned.get(address)
    const content = this.#contentOf(address)
    const after = content && this.#classes.hold(content)
    if (before !== undefined) this.#classes.drop(before)
    if (before === after) return
    if (after === undefined) this.#owned.delete(address)
    else this.#owned.set(address, after)
    draft.podClasses.set(address, after?.id)
  }

  podClasses(): Map<Address, ClassId> {
    const result = new Map<Address, ClassId>()
    for (const [address, { id }] of this.#owned) result.set(address, id)
    return result
  }

  blockClasses(): Tables['blockClasses'] {
    return { 4: this.#blocks[4], 6: this.#blocks[6] }
  }

  #contentOf(address: Address): ClassContent | undefined {
    const pod = this.#inventory.owners.of(address)
    if (pod === undefined) return undefined
    return {
      podTraits: this.#traits.ofPod(pod, this.#inventory.labelsOf(pod.namespace)),
      blockTraits: this.#traits.atomOf(address)?.blocks ?? [],
      namedPorts: this.#traits.portsOf(pod),
    }
  }

  #updateBlocksOf(family: Family, draft: Draft): void {
    if (!this.#traits.refreshAtoms(family)) return
    const held: AddressClass[] = []
    const blocks = this.#traits.atoms(family).map(({ first, last, blocks: blockTraits }) => {
      const atomClass = this.#classes.hold({ podTraits: [], blockTraits, namedPorts: new Map() })
      held.push(atomClass)
      return { first, last, class: atomClass.id }
    })
    for (const dropped of this.#held[family]) this.#classes.drop(dropped)
    this.#held[family] = held
    if (same(blocks, this.#blocks[family])) return
    this.#blocks[family] = blocks
    draft.blockClasses[family] = blocks
  }
}

function same(a: readonly BlockClass[], b: readonly BlockClass[]): boolean {
  if (a.length !== b.length) return false
  return a.every((one, index) => {
    const other = b[index]
    return one.class === other?.class && one.first === other.first && one.last === other.last
  })
}
