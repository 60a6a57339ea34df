import { type Address, contains, familyOf } from '../address.ts'
import type { Inventory } from './inventory.ts'
import { satisfies } from './label-match.ts'
import type { Pod } from '../model.ts'
import { covers } from './term-index.ts'
import type { BlockTrait, PodTrait, PortNameTrait, Trait } from './traits.ts'

/**
 * Adds to `found` every pod address that has one of the traits, and perhaps some that have none. It pauses now and
 * then, so that others can be served.
 */
export function* addReach(
  traits: readonly Trait[],
  inventory: Inventory,
  found: Set<Address>,
): Pauses {
  const terms = traits.filter((trait) => trait.kind === 'pods')
  if (terms.length > 0) yield* addPods(terms, inventory, found)
  const blocks = traits.filter((trait) => trait.kind === 'block')
  if (blocks.length > 0) yield* addInside(blocks, inventory, found)
  const names = traits.filter((trait) => trait.kind === 'portName')
  if (names.length > 0) yield* addNaming(names, inventory, found)
}

type Pauses = Generator<'pause', void>

/** Pods or addresses between two pauses: a millisecond or two. */
const LOOKED_AT_ONCE = 10_000

/** From this many traits on it costs more to try them one by one than to find all traits of a pod anew. */
const MANY = 8

function* addPods(terms: readonly PodTrait[], inventory: Inventory, found: Set<Address>): Pauses {
  let looked = 0
  for (const namespace of inventory.namespacesWithPods()) {
    const labels = inventory.labelsOf(namespace)
    const here = terms.filter(({ namespaces }) => covers(namespaces, namespace, labels))
    if (here.length === 0) continue
    const all = here.length >= MANY
    for (const pod of inventory.podsOf(namespace)) {
      if (all || here.some((term) => satisfies(pod.labels, term.pods))) add(pod, found)
      if (++looked % LOOKED_AT_ONCE === 0) yield 'pause'
    }
  }
}

function* addInside(
  blocks: readonly BlockTrait[],
  inventory: Inventory,
  found: Set<Address>,
): Pauses {
  let looked = 0
  const all = blocks.length >= MANY
  const families = new Set(blocks.map(({ cidr }) => familyOf(cidr.first)))
  for (const address of inventory.owners.addresses()) {
    if (++looked % LOOKED_AT_ONCE === 0) yield 'pause'
    if (!families.has(familyOf(address))) continue
    if (all || blocks.some(({ cidr }) => contains(cidr, address))) found.add(address)
  }
}

function* addNaming(
  names: readonly PortNameTrait[],
  inventory: Inventory,
  found: Set<Address>,
): Pauses {
  let looked = 0
  const wanted = new Set(names.map(({ name, protocol }) => `${protocol} ${name}`))
  for (const namespace of inventory.namespacesWithPods()) {
    for (const pod of inventory.podsOf(namespace)) {
      if (pod.namedPorts.some(({ name, protocol }) => wanted.has(`${protocol} ${name}`))) {
        add(pod, found)
      }
      if (++looked % LOOKED_AT_ONCE === 0) yield 'pause'
    }
  }
}

function add(pod: Pod, found: Set<Address>): void {
  for (const address of pod.addresses) found.add(address)
}
