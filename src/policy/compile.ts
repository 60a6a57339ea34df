import { AddressClasses } from './compile/address-classes.ts'
import type { Address } from './address.ts'
import { Classes } from './compile/classes.ts'
import type { Cluster } from './cluster.ts'
import { Draft } from './compile/draft.ts'
import { Inventory, type Replacement, isSubject } from './compile/inventory.ts'
import type { ClusterEvent, Direction, ObjectKey, Pod } from './model.ts'
import { PortSets } from './compile/port-sets.ts'
import type { PortSet } from './ports.ts'
import { Profiles } from './compile/profiles.ts'
import { addReach } from './compile/reach.ts'
import { Selection } from './compile/selection.ts'
import { Subjects } from './compile/subjects.ts'
import { type PortSetId, type TableChange, type Tables, WORLD } from './tables.ts'
import { type Trait, Traits } from './compile/traits.ts'

export interface CompilerOptions {
  /** The first class id to give: above all that the kernel still holds. */
  readonly firstClass?: number
  /** Port sets that the kernel still holds: equal contents keep their ids, new ones get higher ids. */
  readonly portSetIds?: Iterable<readonly [PortSetId, PortSet]>
  /** How many addresses it looks at in one step. */
  readonly addressesAtOnce?: number
}

/** Some milliseconds, and where all of them move one transaction of the data plane. */
const ADDRESSES_AT_ONCE = 2000

export interface CompilerStats {
  /** Policies in force here: they select a local pod that has an address. */
  readonly policies: number
  /** Selectors, blocks and port names by which these policies tell addresses apart. */
  readonly traits: number
  /** `WORLD` included. */
  readonly classes: number
  readonly portSets: number
  readonly profiles: number
  readonly localPods: number
  /** Over all subjects and both directions. */
  readonly rows: number
}

type Steps = Generator<TableChange | 'pause', void>

/**
 * Keeps the `Tables` of one node up to date with the cluster, and says after each event what changed.
 *
 * An event leads to changes of at most three kinds, and each either moves addresses between classes or switches
 * verdicts, never both. So a packet that meets the class from before a change and the verdict from after
 * it is judged by the state before or the state after:
 *  1. *refine*: policies that come into force bring their traits; addresses move to classes that tell
 *     these apart, on which no verdict depends yet. Addresses of pods that came, changed or went move too;
 *  2. *switch*: subjects take their new verdicts; no address moves;
 *  3. *coarsen*: traits that no policy in force names any more go; addresses move to classes that do not
 *     tell them apart, on which no verdict depends any more.
 * Where many addresses move, they do so in several changes. Each of them has its class from before or its class
 * from after, which mean the same but for what the event itself says of its pod.
 */
export class Compiler {
  readonly #inventory = new Inventory()
  readonly #traits = new Traits()
  readonly #selection = new Selection(this.#inventory, this.#traits)
  readonly #classes: Classes
  readonly #portSets: PortSets
  readonly #profiles: Profiles
  readonly #addresses: AddressClasses
  readonly #subjects = new Subjects()
  /** Addresses whose class events since the last change may have changed. */
  readonly #moved = new Set<Address>()
  /** Addresses whose verdicts they may have changed. */
  readonly #switched = new Set<Address>()
  readonly #addressesAtOnce: number

  constructor({
    firstClass = WORLD + 1,
    portSetIds = [],
    addressesAtOnce = ADDRESSES_AT_ONCE,
  }: CompilerOptions = {}) {
    this.#addressesAtOnce = addressesAtOnce
    this.#classes = new Classes(firstClass)
    this.#portSets = new PortSets(portSetIds)
    this.#profiles = new Profiles(this.#portSets, this.#classes)
    this.#addresses = new AddressClasses(this.#inventory, this.#traits, this.#classes)
  }

  /**
   * Takes events in and returns the changes to the tables that they lead to, to be made in this order.
   * Neighbouring events of pods and namespaces share changes; those that may switch verdicts in force
   * (of policies, and of pods wired here before) stand alone, so that verdicts switch in their order.
   */
  apply(events: Iterable<ClusterEvent>): TableChange[] {
    return [...this.steps(events)].filter((step) => step !== 'pause')
  }

  /**
   * The same, each change when it is asked for, and a pause wherever some milliseconds have gone, so that others can
   * be served. Until the last of them the compiler must not be given other events. Whoever stops earlier has had all
   * events taken in.
   */
  *steps(events: Iterable<ClusterEvent>): Steps {
    const steps = this.#takeIn(events)
    try {
      for (let next = steps.next(); !next.done; next = steps.next()) yield next.value
    } finally {
      while (!steps.next().done);
    }
  }

  /** The whole of the tables, as all changes so far have made them. */
  tables(): Tables {
    const portSets = new Map<PortSetId, PortSet>()
    for (const { id, content } of this.#portSets.values()) portSets.set(id, content)
    return {
      portSets,
      podClasses: this.#addresses.podClasses(),
      blockClasses: this.#addresses.blockClasses(),
      subjects: this.#subjects.verdicts(),
    }
  }

  /**
   * The objects that decide about flows between these addresses: a cluster small enough to evaluate at once.
   * Nodes are not among them.
   */
  around(addresses: readonly Address[]): Omit<Cluster, 'nodes'> {
    return this.#inventory.around(addresses)
  }

  stats(): CompilerStats {
    return {
      policies: this.#selection.policies,
      traits: this.#traits.size,
      classes: this.#classes.size,
      portSets: this.#portSets.size,
      profiles: this.#profiles.size,
      localPods: this.#selection.subjects,
      rows: this.#subjects.countRows(),
    }
  }

  /** How many pods of this node each policy selects, of those that select any. */
  selected(): ReadonlyMap<ObjectKey, number> {
    return this.#selection.counts()
  }

  *#takeIn(events: Iterable<ClusterEvent>): Steps {
    for (const event of events) {
      const alone = this.#standsAlone(event)
      if (alone) yield* this.#advance()
      const replacement = this.#inventory.replace(event)
      if (replacement !== undefined) this.#note(replacement)
      if (alone) yield* this.#advance()
    }
    yield* this.#advance()
  }

  #standsAlone(event: ClusterEvent): boolean {
    if (event.kind === 'policy' || event.kind === 'policyGone') return true
    const pod = this.#inventory.podBefore(event)
    return pod !== undefined && this.#selection.has(pod)
  }

  #note(replacement: Replacement): void {
    switch (replacement.kind) {
      case 'pod':
        return this.#replacePod(replacement.before, replacement.after)
      case 'namespace':
        this.#traits.relabelled(replacement.name)
        for (const pod of this.#inventory.podsOf(replacement.name)) {
          addAll(this.#moved, pod.addresses)
        }
        return
      case 'policy': {
        const concerned = this.#selection.replacePolicy(replacement.before, replacement.after)
        for (const pod of concerned) addAll(this.#switched, pod.addresses)
        return
      }
    }
  }

  #replacePod(before: Pod | undefined, after: Pod | undefined): void {
    if (before !== undefined) {
      addAll(this.#moved, before.addresses)
      if (isSubject(before)) {
        addAll(this.#switched, before.addresses)
        this.#selection.removeSubject(before)
      }
    }
    if (after !== undefined) {
      addAll(this.#moved, after.addresses)
      if (isSubject(after)) {
        addAll(this.#switched, after.addresses)
        this.#selection.addSubject(after)
      }
    }
  }

  /** Carries out what the events since the last call call for: refines, switches, coarsens. */
  *#advance(): Steps {
    yield* this.#move(this.#traits.takeCreated())
    yield* this.#switch()
    this.#selection.release()
    const gone = this.#traits.sweep()
    if (gone.length > 0) yield* this.#move(gone)
  }

  /** Moves the addresses that these traits, or their absence, can concern, and those whose pods changed. */
  *#move(traits: readonly Trait[]): Steps {
    yield* addReach(traits, this.#inventory, this.#moved)
    let draft = new Draft()
    this.#addresses.updateBlocks(draft)
    let looked = 0
    for (const address of this.#moved) {
      this.#addresses.update(address, draft)
      looked += 1
      if (looked % this.#addressesAtOnce > 0) continue
      yield* this.#settle(draft)
      yield 'pause'
      draft = new Draft()
    }
    this.#moved.clear()
    yield* this.#settle(draft)
  }

  *#switch(): Steps {
    const draft = new Draft()
    for (const subject of this.#switched) {
      this.#judge('ingress', subject, draft)
      this.#judge('egress', subject, draft)
    }
    this.#switched.clear()
    yield* this.#settle(draft)
  }

  /** Gives a local address the profile of the pod that owns it now. */
  #judge(direction: Direction, subject: Address, draft: Draft): void {
    const pod = this.#inventory.owners.of(subject)
    const before = this.#subjects.profileOf(direction, subject)
    const after = pod && this.#profiles.hold(direction, pod, this.#selection.of(pod))
    this.#subjects.assign(direction, subject, after, draft)
    if (before !== undefined) this.#profiles.drop(before)
  }

  /** Completes a draft: rows of new and retired classes, then whatever became new or unused by it. */
  *#settle(draft: Draft): Steps {
    const classes = this.#classes.settle()
    for (const created of classes.created) {
      for (const profile of this.#profiles.admit(created)) {
        this.#subjects.noteRow(profile, created.id, draft)
      }
    }
    for (const retired of classes.retired) {
      for (const profile of this.#profiles.expel(retired)) {
        this.#subjects.noteRow(profile, retired.id, draft)
      }
    }
    this.#profiles.sweep()
    const portSets = this.#portSets.settle()
    const change = draft.finish({
      newPortSets: portSets.created,
      retiredClasses: classes.retired.map(({ id }) => id),
      retiredPortSets: portSets.retired,
    })
    if (change !== undefined) yield change
  }
}

function addAll<T>(set: Set<T>, items: Iterable<T>): void {
  for (const item of items) set.add(item)
}
