import type { Address } from './address.ts'
import { keyOf } from './model.ts'
import type { ClusterEvent, Namespace, NetworkPolicy, ObjectKey, Pod } from './model.ts'

/** All objects that policy depends on, as they are now. An absent `Namespace` is one not known yet. */
export interface Cluster {
  readonly namespaces: ReadonlyMap<string, Namespace>
  readonly pods: ReadonlyMap<ObjectKey, Pod>
  readonly policies: ReadonlyMap<ObjectKey, NetworkPolicy>
  /** Addresses of each node. */
  readonly nodes: ReadonlyMap<string, readonly Address[]>
}

/** The cluster that these events, applied in order to an empty one, lead to. */
export function clusterOf(events: Iterable<ClusterEvent>): Cluster {
  const cluster: MutableCluster = {
    namespaces: new Map(),
    pods: new Map(),
    policies: new Map(),
    nodes: new Map(),
  }
  for (const event of events) apply(cluster, event)
  return cluster
}

interface MutableCluster extends Cluster {
  readonly namespaces: Map<string, Namespace>
  readonly pods: Map<ObjectKey, Pod>
  readonly policies: Map<ObjectKey, NetworkPolicy>
  readonly nodes: Map<string, readonly Address[]>
}

function apply(cluster: MutableCluster, event: ClusterEvent): void {
  switch (event.kind) {
    case 'namespace':
      cluster.namespaces.set(event.namespace.name, event.namespace)
      return
    case 'namespaceGone':
      cluster.namespaces.delete(event.name)
      return
    case 'pod':
      cluster.pods.set(keyOf(event.pod), event.pod)
      return
    case 'podGone':
      cluster.pods.delete(event.key)
      return
    case 'policy':
      cluster.policies.set(keyOf(event.policy), event.policy)
      return
    case 'policyGone':
      cluster.policies.delete(event.key)
      return
    case 'node':
      cluster.nodes.set(event.name, event.addresses)
      return
    case 'nodeGone':
      cluster.nodes.delete(event.name)
      return
  }
}
