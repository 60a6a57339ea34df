import { type Address, type Cidr, ip4, ip6 } from '../address.ts'
import type { TraitId } from './traits.ts'

/** An ipBlock in force: all of `cidr` but `except`. */
export interface Block {
  readonly id: TraitId
  readonly cidr: Cidr
  readonly except: readonly Cidr[]
}

/** A range of addresses that the blocks in force do not tell apart. */
export interface BlockAtom {
  readonly first: Address
  readonly last: Address
  /** The blocks that hold the range, ascending; at least one. */
  readonly blocks: readonly TraitId[]
}

/** Cuts the addresses that blocks of one family hold into disjoint ascending atoms. */
export function blockAtoms(blocks: Iterable<Block>): BlockAtom[] {
  const edges = [...blocks].flatMap(edgesOf).sort((a, b) => compare(a.at, b.at))
  const atoms: BlockAtom[] = []
  const inside = new Set<TraitId>()
  edges.forEach(({ at, enters, block }, index) => {
    if (enters) inside.add(block)
    else inside.delete(block)
    const next = edges[index + 1]?.at
    if (inside.size === 0 || next === undefined || next === at) return
    const ids = [...inside].sort((a, b) => a - b)
    atoms.push({ first: toAddress(at), last: toAddress(before(next)), blocks: ids })
  })
  return atoms
}

/** A place between addresses: just before the address of that number. May be one past the last address. */
type Place = number | bigint

interface Edge {
  readonly at: Place
  readonly enters: boolean
  readonly block: TraitId
}

/** Where the ranges begin and end that `except` leaves of `cidr`; none of them touch. */
function edgesOf({ id, cidr, except }: Block): Edge[] {
  const edges: Edge[] = []
  const keep = (from: Place, to: Place): void => {
    if (from >= to) return
    edges.push({ at: from, enters: true, block: id }, { at: to, enters: false, block: id })
  }
  let open: Place = cidr.first
  for (const hole of [...except].sort((a, b) => compare(a.first, b.first))) {
    keep(open, hole.first)
    // One within an earlier one opens nothing.
    if (hole.last >= open) open = after(hole.last)
  }
  keep(open, after(cidr.last))
  return edges
}

function compare(a: Place, b: Place): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function after(place: Place): Place {
  return typeof place === 'number' ? place + 1 : place + 1n
}

function before(place: Place): Place {
  return typeof place === 'number' ? place - 1 : place - 1n
}

function toAddress(place: Place): Address {
  return typeof place === 'number' ? ip4(place) : ip6(place)
}
