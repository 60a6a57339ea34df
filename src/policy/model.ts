import type { Address, Cidr } from './address.ts'

/** Label keys and values of one object. A `Map`, so that a key such as `__proto__` is only a key. */
export type Labels = ReadonlyMap<string, string>

/** Protocols that a NetworkPolicy port may name (API: `NetworkPolicyPort.protocol`). */
export type Protocol = 'TCP' | 'UDP' | 'SCTP'

/** A transport port, 1–65535. Made only by `parsePort`. */
export type Port = number & { readonly __brand: 'port' }

export type Direction = 'ingress' | 'egress'

/** `namespace/name`, the key of every namespaced object. */
export type ObjectKey = `${string}/${string}`

export interface Namespace {
  readonly name: string
  /** Always holds `kubernetes.io/metadata.name`, whatever the object said. */
  readonly labels: Labels
}

/** A port that a container declares under a name (API: `ContainerPort`). */
export interface NamedPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: Port
}

/** A pod as policy sees it: labels, addresses, named ports. */
export interface Pod {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly labels: Labels
  /** Its own addresses. Empty for pods on the host's network and for finished pods. */
  readonly addresses: readonly Address[]
  /** Why `addresses` is empty and stays so; absent for a pod that merely has none yet. */
  readonly addressless?: 'hostNetwork' | 'finished'
  /** Of containers and restartable init containers. */
  readonly namedPorts: readonly NamedPort[]
  /** Milliseconds since the epoch; decides between two claims to one address. */
  readonly createdAt: number
  /** The node that it runs on; '' while unscheduled. */
  readonly node: string
  /** What made it, as `Kind/name`, such as `ReplicaSet/web-5f`; absent for a pod that stands alone. */
  readonly controller?: string
  /** Wired on this node by a CNI ADD that no DEL has followed. Its claim to its addresses beats all others. */
  readonly local: boolean
  /**
   * Runs here, but nobody has told its labels yet. Any policy of its namespace may be about it, so that one
   * is enough to isolate it in both directions, and none allows it anything.
   */
  readonly stranger?: true
}

export type Requirement =
  | {
      readonly key: string
      readonly operator: 'In' | 'NotIn'
      /** Sorted, without duplicates. */
      readonly values: readonly string[]
    }
  | { readonly key: string; readonly operator: 'Exists' | 'DoesNotExist' }

/** All requirements must hold; none = everything. `matchLabels` are `In` with one value. Sorted by key, operator, values. */
export interface Selector {
  readonly requirements: readonly Requirement[]
}

export type Peer =
  | {
      readonly kind: 'pods'
      /** `own` = `namespaceSelector` absent: the policy's own namespace. */
      readonly namespaces: Selector | 'own'
      readonly pods: Selector
    }
  | { readonly kind: 'block'; readonly cidr: Cidr; readonly except: readonly Cidr[] }
  /** A peer of which nothing is known (from a newer API server): matches nothing. */
  | { readonly kind: 'nothing' }

/** Which ports of which protocol. `last` equals `first` without `endPort`. */
export type PortMatch =
  | { readonly kind: 'every'; readonly protocol: Protocol }
  | {
      readonly kind: 'range'
      readonly protocol: Protocol
      readonly first: Port
      readonly last: Port
    }
  | { readonly kind: 'named'; readonly protocol: Protocol; readonly name: string }

/** One item of `spec.ingress` or `spec.egress`; its place in the array is its index in the object. */
export interface Rule {
  /** In the order of `from`/`to`; 'everyone' when that is absent or empty. */
  readonly peers: readonly Peer[] | 'everyone'
  /** In the order of `ports`; 'all' (every protocol, ICMP too) when that is absent or empty. */
  readonly ports: readonly PortMatch[] | 'all'
}

export interface NetworkPolicy {
  readonly namespace: string
  readonly name: string
  readonly podSelector: Selector
  /** `undefined` = this direction is not among `policyTypes`: pods are not isolated by this policy in it. */
  readonly ingress: readonly Rule[] | undefined
  readonly egress: readonly Rule[] | undefined
  /** Set when the object was refused and nothing accepted was in force: isolates, allows nothing. */
  readonly invalid?: string
}

/** What happened in the cluster. Keys of `gone` events are the object's own. */
export type ClusterEvent =
  | { readonly kind: 'namespace'; readonly namespace: Namespace }
  | { readonly kind: 'namespaceGone'; readonly name: string }
  | { readonly kind: 'pod'; readonly pod: Pod }
  | { readonly kind: 'podGone'; readonly key: ObjectKey }
  | { readonly kind: 'policy'; readonly policy: NetworkPolicy }
  | { readonly kind: 'policyGone'; readonly key: ObjectKey }
  | { readonly kind: 'node'; readonly name: string; readonly addresses: readonly Address[] }
  | { readonly kind: 'nodeGone'; readonly name: string }

export function keyOf(object: { readonly namespace: string; readonly name: string }): ObjectKey {
  return `${object.namespace}/${object.name}`
}
