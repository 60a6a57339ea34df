import type { Direction, NetworkPolicy, PortMatch, Rule } from '../model.ts'
import { Pool, type Pooled } from './pool.ts'
import type { Trait, TraitId, Traits } from './traits.ts'

/** A policy that selects somebody here, its peers and names replaced by the traits that mean them. */
export interface ActivePolicy extends Pooled {
  /** Another for each policy and each version of one. */
  readonly serial: number
  readonly policy: NetworkPolicy
  /** `undefined` = does not isolate in this direction. */
  readonly rules: Readonly<Record<Direction, readonly ActiveRule[] | undefined>>
  readonly traits: readonly Trait[]
}

export interface ActiveRule {
  readonly peers: readonly TraitId[] | 'everyone'
  readonly ports: readonly ActivePort[] | 'all'
}

export type ActivePort =
  | Exclude<PortMatch, { kind: 'named' }>
  | {
      readonly kind: 'named'
      readonly protocol: PortMatch['protocol']
      readonly name: string
      /** On egress the peer's ports count, which its class knows; on ingress the subject's own. */
      readonly trait: TraitId | undefined
    }

/** The policies in force here: each is held once for every local pod that it selects. */
export class ActivePolicies {
  readonly #traits: Traits
  readonly #pool = new Pool<ActivePolicy>()
  readonly #serials = new WeakMap<NetworkPolicy, number>()
  #nextSerial = 1

  constructor(traits: Traits) {
    this.#traits = traits
  }

  get size(): number {
    return this.#pool.size
  }

  hold(policy: NetworkPolicy): ActivePolicy {
    const serial = this.#serials.get(policy) ?? this.#nextSerial++
    this.#serials.set(policy, serial)
    return this.#pool.hold(`${serial}`, (key) => activate(key, serial, policy, this.#traits))
  }

  drop(active: ActivePolicy): void {
    this.#pool.drop(active)
  }

  /** Forgets the policies that select nobody any more, and lets go of their traits. */
  sweep(): void {
    for (const { traits } of this.#pool.sweep()) {
      for (const trait of traits) this.#traits.drop(trait)
    }
  }
}

function activate(
  key: string,
  serial: number,
  policy: NetworkPolicy,
  traits: Traits,
): ActivePolicy {
  const held: Trait[] = []
  const hold = (trait: Trait): TraitId => {
    held.push(trait)
    return trait.id
  }
  const activatePeers = ({ peers }: Rule): ActiveRule['peers'] => {
    if (peers === 'everyone') return peers
    const known = peers.filter((peer) => peer.kind !== 'nothing')
    return known.map((peer) => hold(traits.holdPeer(peer, policy.namespace)))
  }
  const activatePorts = ({ ports }: Rule, direction: Direction): ActiveRule['ports'] => {
    if (ports === 'all') return ports
    return ports.map((port) => {
      if (port.kind !== 'named') return port
      const ofPeer = direction === 'egress'
      const trait = ofPeer ? hold(traits.holdPortName(port.name, port.protocol)) : undefined
      return { ...port, trait }
    })
  }
  const activateRules = (direction: Direction): readonly ActiveRule[] | undefined =>
    policy[direction]?.map((rule) => ({
      peers: activatePeers(rule),
      ports: activatePorts(rule, direction),
    }))
  const rules = { ingress: activateRules('ingress'), egress: activateRules('egress') }
  return { key, holders: 0, serial, policy, rules, traits: held }
}
