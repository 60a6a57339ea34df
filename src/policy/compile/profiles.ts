import type { ActivePolicy, ActivePort } from './active-policies.ts'
import { type AddressClass, type ClassContent, type Classes, traitsOf } from './classes.ts'
import type { Direction, Pod, Protocol } from '../model.ts'
import { Pool, type Pooled } from './pool.ts'
import { type Grant, unionOf } from '../port-set.ts'
import type { HeldPortSet, PortSets } from './port-sets.ts'
import type { ClassId } from '../tables.ts'
import type { TraitId } from './traits.ts'

/** The verdicts that all pods alike in policy share: a port set for each class, and for all others. */
export interface Profile extends Pooled {
  readonly direction: Direction
  readonly default: HeldPortSet
  /** Only where it differs from `default`. */
  readonly rows: Map<ClassId, HeldPortSet>
  readonly grants: Grants
}

/** What the policies of one profile grant, by whom they grant it to. */
interface Grants {
  readonly everyone: readonly ClassGrant[]
  readonly byTrait: ReadonlyMap<TraitId, readonly ClassGrant[]>
}

/** A named port is what the peer's class has under that name. */
type ClassGrant =
  | Grant
  | { readonly kind: 'named'; readonly protocol: Protocol; readonly trait: TraitId }

/** One profile for each set of policies in one direction, kept up to date with the classes in use. */
export class Profiles {
  readonly #pool = new Pool<Profile>()
  readonly #portSets: PortSets
  readonly #classes: Classes
  readonly #granting = new Map<TraitId, Set<Profile>>()

  constructor(portSets: PortSets, classes: Classes) {
    this.#portSets = portSets
    this.#classes = classes
  }

  get size(): number {
    return this.#pool.size
  }

  /** The profile of a pod that these policies select, or undefined if none isolates it in this direction. */
  hold(direction: Direction, pod: Pod, selecting: readonly ActivePolicy[]): Profile | undefined {
    const policies = selecting.filter(({ rules }) => rules[direction] !== undefined)
    if (policies.length === 0) return undefined
    return this.#pool.hold(profileKey(direction, pod, policies), (key) =>
      this.#make(key, direction, grantsOf(direction, pod, policies)),
    )
  }

  drop(profile: Profile): void {
    this.#pool.drop(profile)
  }

  /** Gives a new class its row wherever it needs one; returns the profiles concerned. */
  admit(created: AddressClass): Profile[] {
    const granting = new Set([...traitsOf(created)].flatMap((id) => [...this.#grantingTo(id)]))
    return [...granting].filter((profile) => this.#setRow(profile, created))
  }

  /** Takes the rows of a class away; returns the profiles that had one. */
  expel(retired: AddressClass): Profile[] {
    const granting = new Set([...traitsOf(retired)].flatMap((id) => [...this.#grantingTo(id)]))
    return [...granting].filter((profile) => {
      const row = profile.rows.get(retired.id)
      if (row === undefined) return false
      this.#portSets.drop(row)
      return profile.rows.delete(retired.id)
    })
  }

  /** Forgets the profiles that no pod has. */
  sweep(): void {
    for (const profile of this.#pool.sweep()) {
      this.#portSets.drop(profile.default)
      for (const row of profile.rows.values()) this.#portSets.drop(row)
      for (const trait of mentioned(profile.grants)) {
        const granting = this.#granting.get(trait)
        if (granting?.delete(profile) && granting.size === 0) this.#granting.delete(trait)
      }
    }
  }

  #make(key: string, direction: Direction, grants: Grants): Profile {
    const profile: Profile = {
      key,
      holders: 0,
      direction,
      default: this.#portSets.hold(unionOf(grantedTo(NOBODY, grants))),
      rows: new Map(),
      grants,
    }
    for (const trait of mentioned(grants)) {
      const granting = this.#granting.get(trait)
      if (granting === undefined) this.#granting.set(trait, new Set([profile]))
      else granting.add(profile)
      for (const peer of this.#classes.having(trait)) {
        if (!profile.rows.has(peer.id)) this.#setRow(profile, peer)
      }
    }
    return profile
  }

  #setRow(profile: Profile, peer: AddressClass): boolean {
    const portSet = this.#portSets.hold(unionOf(grantedTo(peer, profile.grants)))
    if (portSet === profile.default) {
      this.#portSets.drop(portSet)
      return false
    }
    profile.rows.set(peer.id, portSet)
    return true
  }

  #grantingTo(trait: TraitId): Iterable<Profile> {
    return this.#granting.get(trait) ?? []
  }
}

const NOBODY: ClassContent = { podTraits: [], blockTraits: [], namedPorts: new Map() }

/** The pod's own ports count only where an ingress rule may ask for them by name. */
function profileKey(direction: Direction, pod: Pod, policies: readonly ActivePolicy[]): string {
  const serials = policies.map(({ serial }) => serial).sort((a, b) => a - b)
  const key = `${direction} ${serials.join()}`
  const byName = policies.some(({ rules }) =>
    rules[direction]?.some(({ ports }) => ports !== 'all' && ports.some(isOwnName)),
  )
  if (!byName) return key
  const names = pod.namedPorts.map(({ name, protocol, port }) => `${name}:${protocol}:${port}`)
  return `${key} ${[...new Set(names)].sort().join()}`
}

function isOwnName(port: ActivePort): boolean {
  return port.kind === 'named' && port.trait === undefined
}

function grantsOf(direction: Direction, pod: Pod, policies: readonly ActivePolicy[]): Grants {
  const everyone: ClassGrant[] = []
  const byTrait = new Map<TraitId, ClassGrant[]>()
  for (const rule of policies.flatMap(({ rules }) => rules[direction] ?? [])) {
    const granted: ClassGrant[] =
      rule.ports === 'all' ? [{ kind: 'all' }] : rule.ports.flatMap((port) => resolve(port, pod))
    if (rule.peers === 'everyone') everyone.push(...granted)
    else {
      for (const trait of rule.peers) {
        byTrait.set(trait, [...(byTrait.get(trait) ?? []), ...granted])
      }
    }
  }
  return { everyone, byTrait }
}

function resolve(port: ActivePort, subject: Pod): ClassGrant[] {
  if (port.kind !== 'named') return [port]
  const { name, protocol, trait } = port
  if (trait !== undefined) return [{ kind: 'named', protocol, trait }]
  return subject.namedPorts
    .filter((own) => own.name === name && own.protocol === protocol)
    .map(({ port: own }) => ({ kind: 'range', protocol, first: own, last: own }))
}

/** Every trait that a verdict of these grants may depend on. */
function mentioned({ everyone, byTrait }: Grants): Set<TraitId> {
  const traits = new Set(byTrait.keys())
  for (const grants of [everyone, ...byTrait.values()]) {
    for (const grant of grants) if (grant.kind === 'named') traits.add(grant.trait)
  }
  return traits
}

function* grantedTo(peer: ClassContent, { everyone, byTrait }: Grants): Iterable<Grant> {
  yield* ofPeer(everyone, peer)
  for (const trait of traitsOf(peer)) yield* ofPeer(byTrait.get(trait) ?? [], peer)
}

function* ofPeer(grants: readonly ClassGrant[], peer: ClassContent): Iterable<Grant> {
  for (const grant of grants) {
    if (grant.kind !== 'named') yield grant
    else {
      const { protocol } = grant
      for (const port of peer.namedPorts.get(grant.trait) ?? []) {
        yield { kind: 'range', protocol, first: port, last: port }
      }
    }
  }
}
