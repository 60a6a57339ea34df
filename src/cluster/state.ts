import { isDeepStrictEqual } from 'node:util'
import type { Address } from '../policy/address.ts'
import type { Cluster } from '../policy/cluster.ts'
import { keyOf } from '../policy/model.ts'
import type { ClusterEvent, Namespace, NetworkPolicy, ObjectKey, Pod } from '../policy/model.ts'
import { isSameLife, type LocalAttachment, LocalPods, type ToldPod } from './local-pods.ts'
import type { ObjectVersion } from './object-version.ts'
import { idOf, subjectOf } from './source-change.ts'
import type { Gone, ObjectKind, Refused, SourceChange, Subject } from './source-change.ts'

/** An object that the source has in a form that cannot be used. */
export interface RefusedObject {
  readonly subject: Subject
  /** Sentences that name the field. */
  readonly problems: readonly string[]
  /** What holds instead. The salvage of a policy isolates, that of a namespace has its name alone. */
  readonly inForce: 'last accepted version' | 'salvage' | 'nothing'
}

/** What a source says of one policy. */
export interface ToldPolicy {
  readonly key: ObjectKey
  /** Undefined: the source has no policy of this name. */
  readonly version: ObjectVersion | undefined
  /** Undefined: it is accepted. */
  readonly refused: RefusedObject | undefined
}

export interface ClusterStateOptions {
  /**
   * The node whose pods others wire. They may have come without us, and policy holds for them by the addresses that
   * the source tells, until an attachment of theirs says more.
   */
  readonly chainedNode?: string | undefined
  /** Hears of every policy that a source speaks of, news or not, where the source tells versions. */
  readonly onPolicy?: (told: ToldPolicy) => void
  /** Hears what a source says of the pod that an attachment is of, news or not. */
  readonly onTold?: (id: string, told: ToldPod) => void
}

/**
 * The cluster as policy must see it: what a source of objects says, and what the CNI attached on this
 * node. Every method returns the events that lead from the state before it to the state after it, and no
 * others: whoever applies them all has the same objects as `cluster`.
 */
export class ClusterState {
  readonly #objects: MutableCluster = {
    namespaces: new Map(),
    pods: new Map(),
    policies: new Map(),
    nodes: new Map(),
  }
  readonly #local: LocalPods
  /** Pods of `node` are subjects without an attachment too; none where undefined. */
  readonly #chainedNode: string | undefined
  /** Those that are so now. */
  readonly #unattached = new Map<ObjectKey, Pod>()
  /** UIDs of pods that were attached and are no more: they have no network, whatever the source still says. */
  readonly #left = new Map<ObjectKey, string>()
  readonly #refused = new Map<string, RefusedObject>()
  readonly #onPolicy: ClusterStateOptions['onPolicy']

  constructor({ chainedNode, onPolicy, onTold }: ClusterStateOptions = {}) {
    this.#local = new LocalPods(onTold)
    this.#chainedNode = chainedNode
    this.#onPolicy = onPolicy
  }

  /** Addresses of pods that are subjects without an attachment. */
  unattached(): ReadonlySet<Address> {
    return new Set(this.#unattached.values().flatMap(({ addresses }) => addresses))
  }

  isAttached(address: Address): boolean {
    return this.#local.holds(address)
  }

  get cluster(): Cluster {
    return this.#objects
  }

  /** For status: each until the source has an acceptable version of it, or none. */
  get refused(): readonly RefusedObject[] {
    return [...this.#refused.values()]
  }

  /** What changed, as a watch tells it. Takes time by the number of changes, not of objects. */
  apply(changes: Iterable<SourceChange>): ClusterEvent[] {
    return [...changes].flatMap((change) => {
      const events = this.#apply(change)
      this.#tellOfPolicy(change)
      return events
    })
  }

  /** Everything that the source has of these kinds; what it no longer mentions is gone. */
  replace(kinds: readonly ObjectKind[], changes: readonly SourceChange[]): ClusterEvent[] {
    const mentioned = new Set(changes.map((change) => idOf(subjectOf(change))))
    const gone = kinds.flatMap((kind) => this.#allOf(kind))
    return [
      ...this.apply(changes),
      ...this.apply(gone.filter(({ subject }) => !mentioned.has(idOf(subject)))),
    ]
  }

  /** What the source has said of this very pod. */
  told(pod: Pick<Pod, 'namespace' | 'name' | 'uid'>): ToldPod | undefined {
    const found = this.#objects.pods.get(keyOf(pod))
    return found && !found.stranger && isSameLife(pod, found) ? found : undefined
  }

  /**
   * A CNI ADD. `known` says whether the source has told of this pod (by uid) yet: until then it has no
   * labels, and only policies that select every pod of its namespace apply to it.
   */
  attach(attachment: LocalAttachment): { events: ClusterEvent[]; known: boolean } {
    const key = keyOf(attachment)
    const moved = this.#local.keyOf(attachment.id) === key ? [] : this.detach(attachment.id)
    const source = this.#local.has(key)
      ? undefined
      : (this.#unattached.get(key) ?? this.#objects.pods.get(key))
    this.#local.attach(attachment, source)
    this.#left.delete(key)
    const given = this.#giveWay(attachment.addresses)
    return {
      events: [...moved, ...given, ...this.#putPod(key, undefined)],
      known: this.#local.isKnown(key),
    }
  }

  /** A CNI DEL; nothing happens if the id is not attached. */
  detach(id: string): ClusterEvent[] {
    const found = this.#local.detach(id)
    if (found === undefined) return []
    if (found.source !== undefined) this.#left.set(found.key, found.source.uid)
    return this.#putPod(found.key, found.source)
  }

  #apply(change: SourceChange): ClusterEvent[] {
    if (change.kind === 'refused') return this.#refuse(change)
    const subject = subjectOf(change)
    this.#refused.delete(idOf(subject))
    const { namespaces, policies, nodes } = this.#objects
    switch (change.kind) {
      case 'namespace': {
        const { kind, namespace } = change
        return put(namespaces, namespace.name, namespace) ? [{ kind, namespace }] : []
      }
      case 'policy': {
        const { kind, policy } = change
        return put(policies, keyOf(policy), policy) ? [{ kind, policy }] : []
      }
      case 'node': {
        const { kind, name, addresses } = change
        return put(nodes, name, addresses) ? [{ kind, name, addresses }] : []
      }
      case 'pod':
        this.#local.setSource(keyOf(change.pod), change.pod)
        return this.#putPod(keyOf(change.pod), change.pod)
      case 'gone':
        return this.#remove(change.subject)
    }
  }

  #tellOfPolicy(change: SourceChange): void {
    if (change.kind === 'pod' || this.#onPolicy === undefined) return
    const subject = subjectOf(change)
    const version = 'version' in change ? change.version : undefined
    if (subject.object !== 'policy' || (version === undefined && change.kind !== 'gone')) return
    this.#onPolicy({ key: subject.key, version, refused: this.#refused.get(idOf(subject)) })
  }

  #remove(subject: Subject): ClusterEvent[] {
    const { namespaces, policies, nodes } = this.#objects
    switch (subject.object) {
      case 'namespace':
        return namespaces.delete(subject.key) ? [{ kind: 'namespaceGone', name: subject.key }] : []
      case 'node':
        return nodes.delete(subject.key) ? [{ kind: 'nodeGone', name: subject.key }] : []
      case 'policy':
        return policies.delete(subject.key) ? [{ kind: 'policyGone', key: subject.key }] : []
      case 'pod':
        this.#local.setSource(subject.key, undefined)
        this.#left.delete(subject.key)
        return this.#putPod(subject.key, undefined)
    }
  }

  /** Brings the pod of this name to what it is locally, else to what the source says. */
  #putPod(key: ObjectKey, source: Pod | undefined): ClusterEvent[] {
    this.#unattached.delete(key)
    const pod = this.#local.podAt(key) ?? this.#unattachedPod(key, source) ?? source
    if (pod !== undefined) return put(this.#objects.pods, key, pod) ? [{ kind: 'pod', pod }] : []
    return this.#objects.pods.delete(key) ? [{ kind: 'podGone', key }] : []
  }

  /** The pod as a subject without an attachment; undefined where it is none. */
  #unattachedPod(key: ObjectKey, source: Pod | undefined): Pod | undefined {
    const isHere = source !== undefined && source.node !== '' && source.node === this.#chainedNode
    if (!isHere || this.#local.has(key) || this.#left.get(key) === source.uid) return undefined
    const isFree = source.addresses.every((address) => !this.#local.holds(address))
    if (source.addresses.length === 0 || !isFree) return undefined
    this.#unattached.set(key, source)
    return { ...source, local: true }
  }

  /** Whoever had these addresses without an attachment has them no more. */
  #giveWay(addresses: readonly Address[]): ClusterEvent[] {
    return [...this.#unattached]
      .filter(([, pod]) => pod.addresses.some((address) => addresses.includes(address)))
      .flatMap(([key, pod]) => this.#putPod(key, pod))
  }

  #refuse({ subject, problems, salvage }: Refused): ClusterEvent[] {
    const before = this.#refused.get(idOf(subject))?.inForce ?? 'last accepted version'
    const accepted = before === 'last accepted version' && this.#has(subject)
    const events = accepted || salvage === undefined ? [] : this.#apply(salvage)
    const inForce = accepted ? 'last accepted version' : salvage ? 'salvage' : 'nothing'
    this.#refused.set(idOf(subject), { subject, problems, inForce })
    return events
  }

  #has({ object, key }: Subject): boolean {
    const { namespaces, pods, policies, nodes } = this.#objects
    const objects: Record<ObjectKind, ReadonlyMap<string, unknown>> = {
      namespace: namespaces,
      pod: pods,
      policy: policies,
      node: nodes,
    }
    return objects[object].has(key)
  }

  /** All objects of a kind, refused ones too, as being gone. */
  #allOf(kind: ObjectKind): Gone[] {
    const refused = this.refused.map(({ subject }) => subject)
    return [...this.#subjects(kind), ...refused.filter(({ object }) => object === kind)].map(
      (subject) => ({ kind: 'gone', subject }),
    )
  }

  #subjects(object: ObjectKind): Subject[] {
    const { namespaces, pods, policies, nodes } = this.#objects
    switch (object) {
      case 'namespace':
        return [...namespaces.keys()].map((key) => ({ object, key }))
      case 'node':
        return [...nodes.keys()].map((key) => ({ object, key }))
      case 'pod':
        return [...pods.keys()].map((key) => ({ object, key }))
      case 'policy':
        return [...policies.keys()].map((key) => ({ object, key }))
    }
  }
}

interface MutableCluster extends Cluster {
  readonly namespaces: Map<string, Namespace>
  readonly pods: Map<ObjectKey, Pod>
  readonly policies: Map<ObjectKey, NetworkPolicy>
  readonly nodes: Map<string, readonly Address[]>
}

/** @returns whether that was news. */
function put<Key, Value>(objects: Map<Key, Value>, key: Key, value: Value): boolean {
  if (isDeepStrictEqual(objects.get(key), value)) return false
  objects.set(key, value)
  return true
}
