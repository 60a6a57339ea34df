import { type ActivePolicy, ActivePolicies } from './active-policies.ts'
import type { Inventory } from './inventory.ts'
import { satisfies } from './label-match.ts'
import { keyOf, type NetworkPolicy, type ObjectKey, type Pod } from '../model.ts'
import type { Traits } from './traits.ts'

/** What any policy means for a pod whose labels are not known. */
const CLOSED: NetworkPolicy = {
  namespace: '',
  name: '',
  podSelector: { requirements: [] },
  ingress: [],
  egress: [],
}

/** Which policies select which subjects. A policy that selects at least one is in force. */
export class Selection {
  readonly #inventory: Inventory
  readonly #active: ActivePolicies
  readonly #selecting = new Map<Pod, readonly ActivePolicy[]>()
  /** Selections that have ended, until `release`. */
  #ended: ActivePolicy[] = []

  constructor(inventory: Inventory, traits: Traits) {
    this.#inventory = inventory
    this.#active = new ActivePolicies(traits)
  }

  get policies(): number {
    return this.#active.size
  }

  get subjects(): number {
    return this.#selecting.size
  }

  has(pod: Pod): boolean {
    return this.#selecting.has(pod)
  }

  /** The policies that select a pod; none for one that is no subject. */
  of(pod: Pod): readonly ActivePolicy[] {
    return this.#selecting.get(pod) ?? []
  }

  /** How many subjects each policy selects, of those that select any. */
  counts(): Map<ObjectKey, number> {
    const counts = new Map<ObjectKey, number>()
    for (const { policy } of this.#selecting.values().flatMap((policies) => policies)) {
      if (policy !== CLOSED) counts.set(keyOf(policy), (counts.get(keyOf(policy)) ?? 0) + 1)
    }
    return counts
  }

  addSubject(pod: Pod): void {
    const policies = [...this.#inventory.policiesOf(pod.namespace)]
    const selecting = pod.stranger
      ? policies.slice(0, 1).map(() => CLOSED)
      : policies.filter((policy) => satisfies(pod.labels, policy.podSelector))
    this.#selecting.set(
      pod,
      selecting.map((policy) => this.#active.hold(policy)),
    )
  }

  removeSubject(pod: Pod): void {
    this.#ended.push(...this.of(pod))
    this.#selecting.delete(pod)
  }

  /** Puts one policy, or a version of it, in the place of another; returns the subjects concerned. */
  replacePolicy(before: NetworkPolicy | undefined, after: NetworkPolicy | undefined): Pod[] {
    const namespace = (after ?? before)?.namespace
    if (namespace === undefined) return []
    const concerned: Pod[] = []
    for (const pod of this.#inventory.subjectsOf(namespace)) {
      if (pod.stranger) {
        if (this.#replaceClosed(pod)) concerned.push(pod)
        continue
      }
      const selecting = this.of(pod)
      const kept = selecting.filter(({ policy }) => policy !== before)
      const ended = selecting.filter(({ policy }) => policy === before)
      const begun =
        after !== undefined && satisfies(pod.labels, after.podSelector)
          ? [this.#active.hold(after)]
          : []
      if (ended.length + begun.length === 0) continue
      this.#ended.push(...ended)
      this.#selecting.set(pod, [...kept, ...begun])
      concerned.push(pod)
    }
    return concerned
  }

  /** Whether the namespace of a stranger has got its first policy, or lost its last. */
  #replaceClosed(pod: Pod): boolean {
    const before = this.of(pod)
    const [any] = this.#inventory.policiesOf(pod.namespace)
    if ((any !== undefined) === before.length > 0) return false
    this.#ended.push(...before)
    this.#selecting.set(pod, any === undefined ? [] : [this.#active.hold(CLOSED)])
    return true
  }

  /** Lets go of the policies that select nobody any more, and of their traits. */
  release(): void {
    for (const active of this.#ended) this.#active.drop(active)
    this.#ended = []
    this.#active.sweep()
  }
}
