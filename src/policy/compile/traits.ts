import type { Address, Cidr, Family } from '../address.ts'
import { familyOf } from '../address.ts'
import { type BlockAtom, blockAtoms } from './blocks.ts'
import { locate } from '../locate.ts'
import { selectorKey } from './label-match.ts'
import type { Labels, Peer, Pod, Port, Protocol, Selector } from '../model.ts'
import { Pool, type Pooled } from './pool.ts'
import { TermIndex } from './term-index.ts'

/** Never reused for another trait. */
export type TraitId = number & { readonly __brand: 'trait' }

/**
 * What policies in force can tell addresses apart by: a selector that the address's pod meets, an ipBlock
 * that the address lies in, a port name that an egress rule asks the pod for. The traits of an address
 * decide its class.
 */
export type Trait = PodTrait | BlockTrait | PortNameTrait

interface TraitBase extends Pooled {
  readonly id: TraitId
}

export interface PodTrait extends TraitBase {
  readonly kind: 'pods'
  /** A namespace selector, or the name of the one namespace. */
  readonly namespaces: Selector | string
  readonly pods: Selector
}

export interface BlockTrait extends TraitBase {
  readonly kind: 'block'
  readonly cidr: Cidr
  readonly except: readonly Cidr[]
}

export interface PortNameTrait extends TraitBase {
  readonly kind: 'portName'
  readonly name: string
  readonly protocol: Protocol
}

/** The traits that policies in force name, and which of them a pod or an address has. */
export class Traits {
  readonly #pool = new Pool<Trait>()
  readonly #terms = new TermIndex()
  readonly #blocks: Record<Family, Map<TraitId, BlockTrait>> = { 4: new Map(), 6: new Map() }
  readonly #atoms: Record<Family, readonly BlockAtom[]> = { 4: [], 6: [] }
  readonly #portNames = new Map<TraitId, PortNameTrait>()
  readonly #stale = new Set<Family>()
  #created: Trait[] = []
  #nextId = 1

  get size(): number {
    return this.#pool.size
  }

  /** The trait of meeting a peer of a policy in `namespace`. */
  holdPeer(peer: Exclude<Peer, { kind: 'nothing' }>, namespace: string): Trait {
    if (peer.kind === 'block') {
      const { cidr, except } = peer
      return this.#hold(blockKey(cidr, except), (base) => ({
        ...base,
        kind: 'block',
        cidr,
        except,
      }))
    }
    const namespaces = peer.namespaces === 'own' ? namespace : peer.namespaces
    const scope = typeof namespaces === 'string' ? namespaces : selectorKey(namespaces)
    const { pods } = peer
    const key = `pods ${scope} ${selectorKey(pods)}`
    return this.#hold(key, (base) => ({ ...base, kind: 'pods', namespaces, pods }))
  }

  /** The trait of having ports under this name. */
  holdPortName(name: string, protocol: Protocol): Trait {
    const key = `port ${protocol} ${name}`
    return this.#hold(key, (base) => ({ ...base, kind: 'portName', name, protocol }))
  }

  drop(trait: Trait): void {
    this.#pool.drop(trait)
  }

  /** Traits that are new since the last call. */
  takeCreated(): Trait[] {
    const created = this.#created
    this.#created = []
    return created
  }

  /** Forgets the traits that nothing holds, and returns them. */
  sweep(): Trait[] {
    const gone = this.#pool.sweep()
    for (const trait of gone) this.#remove(trait)
    return gone
  }

  /** To be called when the labels of a namespace have changed. */
  relabelled(namespace: string): void {
    this.#terms.relabelled(namespace)
  }

  /** The pod traits of a pod, ascending. `labels` are its namespace's, undefined while that is unknown. */
  ofPod(pod: Pod, labels: Labels | undefined): TraitId[] {
    return this.#terms.matching(pod, labels)
  }

  /** The ports that a pod has under the names that matter, by trait, ascending. */
  portsOf(pod: Pod): ReadonlyMap<TraitId, readonly Port[]> {
    if (this.#portNames.size === 0 || pod.namedPorts.length === 0) return NO_PORTS
    const ports = new Map<TraitId, readonly Port[]>()
    for (const { id, name, protocol } of this.#portNames.values()) {
      const named = pod.namedPorts.filter(
        (port) => port.name === name && port.protocol === protocol,
      )
      if (named.length > 0) {
        ports.set(
          id,
          [...new Set(named.map(({ port }) => port))].sort((a, b) => a - b),
        )
      }
    }
    return ports
  }

  /** Cuts the addresses of a family anew if its blocks changed since the last call; returns whether. */
  refreshAtoms(family: Family): boolean {
    if (!this.#stale.delete(family)) return false
    this.#atoms[family] = blockAtoms(this.#blocks[family].values())
    return true
  }

  /** What the blocks make of the addresses of a family, as of the last refresh. */
  atoms(family: Family): readonly BlockAtom[] {
    return this.#atoms[family]
  }

  atomOf(address: Address): BlockAtom | undefined {
    return locate(this.#atoms[familyOf(address)], address)
  }

  #hold(key: string, make: (base: TraitBase) => Trait): Trait {
    return this.#pool.hold(key, () => {
      const trait = make({ key, holders: 0, id: this.#nextId++ as TraitId })
      this.#created.push(trait)
      this.#add(trait)
      return trait
    })
  }

  #add(trait: Trait): void {
    if (trait.kind === 'pods') this.#terms.add(trait)
    else if (trait.kind === 'portName') this.#portNames.set(trait.id, trait)
    else {
      const family = familyOf(trait.cidr.first)
      this.#blocks[family].set(trait.id, trait)
      this.#stale.add(family)
    }
  }

  #remove(trait: Trait): void {
    if (trait.kind === 'pods') this.#terms.remove(trait)
    else if (trait.kind === 'portName') this.#portNames.delete(trait.id)
    else {
      const family = familyOf(trait.cidr.first)
      this.#blocks[family].delete(trait.id)
      this.#stale.add(family)
    }
  }
}

const NO_PORTS: ReadonlyMap<TraitId, readonly Port[]> = new Map()

function blockKey(cidr: Cidr, except: readonly Cidr[]): string {
  const holes = new Set(except.map(({ first, prefix }) => `${first}/${prefix}`))
  return `block ${familyOf(cidr.first)} ${cidr.first}/${cidr.prefix} ${[...holes].sort().join(' ')}`
}
