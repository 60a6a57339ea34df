import type { Address } from '../address.ts'
import type { Cluster } from '../cluster.ts'
import {
  type ClusterEvent,
  keyOf,
  type Labels,
  type Namespace,
  type NetworkPolicy,
  type ObjectKey,
  type Pod,
} from '../model.ts'
import { Owners } from './owners.ts'

/** What an event put in the place of what. Nothing is reported where nothing was nor is. */
export type Replacement =
  | { readonly kind: 'pod'; readonly before: Pod | undefined; readonly after: Pod | undefined }
  | { readonly kind: 'namespace'; readonly name: string }
  | {
      readonly kind: 'policy'
      readonly before: NetworkPolicy | undefined
      readonly after: NetworkPolicy | undefined
    }

/** The objects of the cluster as last heard of. */
export class Inventory {
  readonly owners = new Owners()
  readonly #namespaces = new Map<string, Labels>()
  readonly #pods = new ByName<Pod>()
  readonly #policies = new ByName<NetworkPolicy>()
  /** Pods that policy can have as subjects, by namespace. */
  readonly #subjects = new Map<string, Set<Pod>>()

  /** Labels of a namespace, undefined while it is not known. */
  labelsOf(namespace: string): Labels | undefined {
    return this.#namespaces.get(namespace)
  }

  /** The pod that an event is about, as it was before. */
  podBefore(event: ClusterEvent): Pod | undefined {
    if (event.kind === 'pod') return this.#pods.get(event.pod)
    return event.kind === 'podGone' ? this.#pods.get(split(event.key)) : undefined
  }

  podsOf(namespace: string): Iterable<Pod> {
    return this.#pods.of(namespace)
  }

  namespacesWithPods(): Iterable<string> {
    return this.#pods.namespaces()
  }

  subjectsOf(namespace: string): Iterable<Pod> {
    return this.#subjects.get(namespace) ?? []
  }

  policiesOf(namespace: string): Iterable<NetworkPolicy> {
    return this.#policies.of(namespace)
  }

  /** The pods that own these addresses, and of their namespaces the labels and policies. */
  around(addresses: readonly Address[]): Omit<Cluster, 'nodes'> {
    const pods = new Map<ObjectKey, Pod>()
    const namespaces = new Map<string, Namespace>()
    const policies = new Map<ObjectKey, NetworkPolicy>()
    for (const address of addresses) {
      const pod = this.owners.of(address)
      if (pod === undefined) continue
      pods.set(keyOf(pod), pod)
      const { namespace: name } = pod
      const labels = this.#namespaces.get(name)
      if (labels !== undefined) namespaces.set(name, { name, labels })
      for (const policy of this.#policies.of(name)) policies.set(keyOf(policy), policy)
    }
    return { pods, namespaces, policies }
  }

  replace(event: ClusterEvent): Replacement | undefined {
    switch (event.kind) {
      case 'pod':
        return this.#replacePod(event.pod, event.pod)
      case 'podGone':
        return this.#replacePod(split(event.key), undefined)
      case 'namespace':
        return this.#replaceNamespace(event.namespace.name, event.namespace.labels)
      case 'namespaceGone':
        return this.#replaceNamespace(event.name, undefined)
      case 'policy':
        return this.#replacePolicy(event.policy, event.policy)
      case 'policyGone':
        return this.#replacePolicy(split(event.key), undefined)
      case 'node':
      case 'nodeGone':
        return undefined
    }
  }

  #replacePod(name: Name, after: Pod | undefined): Replacement | undefined {
    const before = this.#pods.replace(name, after)
    if (before === after) return undefined
    if (before !== undefined) {
      this.owners.yield(before)
      const others = this.#subjects.get(before.namespace)
      if (others?.delete(before) && others.size === 0) this.#subjects.delete(before.namespace)
    }
    if (after !== undefined) {
      this.owners.claim(after)
      if (isSubject(after)) {
        const others = this.#subjects.get(after.namespace)
        if (others === undefined) this.#subjects.set(after.namespace, new Set([after]))
        else others.add(after)
      }
    }
    return { kind: 'pod', before, after }
  }

  #replaceNamespace(name: string, after: Labels | undefined): Replacement | undefined {
    const before = this.#namespaces.get(name)
    if (after === undefined) this.#namespaces.delete(name)
    else this.#namespaces.set(name, after)
    return sameLabels(before, after) ? undefined : { kind: 'namespace', name }
  }

  #replacePolicy(name: Name, after: NetworkPolicy | undefined): Replacement | undefined {
    const before = this.#policies.replace(name, after)
    return before === after ? undefined : { kind: 'policy', before, after }
  }
}

/** Whether policy can have this pod as a subject here: it is wired on this node and has an address. */
export function isSubject(pod: Pod): boolean {
  return pod.local && pod.addresses.length > 0
}

interface Name {
  readonly namespace: string
  readonly name: string
}

/** Objects by namespace, then name. */
class ByName<V> {
  readonly #objects = new Map<string, Map<string, V>>()

  get({ namespace, name }: Name): V | undefined {
    return this.#objects.get(namespace)?.get(name)
  }

  of(namespace: string): Iterable<V> {
    return this.#objects.get(namespace)?.values() ?? []
  }

  namespaces(): Iterable<string> {
    return this.#objects.keys()
  }

  /** Puts `after` where the object of that name was, which it returns; undefined takes away. */
  replace({ namespace, name }: Name, after: V | undefined): V | undefined {
    const objects = this.#objects.get(namespace)
    const before = objects?.get(name)
    if (after === undefined) {
      if (objects?.delete(name) && objects.size === 0) this.#objects.delete(namespace)
    } else if (objects === undefined) this.#objects.set(namespace, new Map([[name, after]]))
    else objects.set(name, after)
    return before
  }
}

function split(key: ObjectKey): Name {
  const slash = key.indexOf('/')
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

function sameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}
