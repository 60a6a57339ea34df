import { familyOf } from '../address.ts'
import type { Address, Family } from '../address.ts'
import type { Cluster } from '../cluster.ts'
import type { Endpoint } from '../flow.ts'
import type { Pod } from '../model.ts'

/** One end of a packet: at most one address, and whose it is. */
export interface Side {
  readonly family: Family
  /** Undefined: not known yet. */
  readonly address: Address | undefined
  /** The pod that owns the address. */
  readonly pod: Pod | undefined
  /** The node whose own address it is; '' when that is no node's. */
  readonly node: string
}

export interface Ends {
  readonly from: Side
  readonly to: Side
}

const FAMILIES: readonly Family[] = [4, 6]

/**
 * All that packets of this end may look like: one side for each address, or for each family where no address
 * is known. None for a finished pod.
 * @throws Error when the cluster has no such pod.
 */
export function sidesOf(cluster: Cluster, endpoint: Endpoint): readonly Side[] {
  if (endpoint.kind === 'address') return [sideAt(cluster, endpoint.address)]
  const pod = cluster.pods.get(endpoint.key)
  if (pod === undefined) {
    throw new Error(`There is no pod ${endpoint.key}: name a pod of the cluster, or an address.`)
  }
  if (pod.addressless === 'finished') return []
  const onHost = pod.addressless === 'hostNetwork'
  const addresses = onHost ? (cluster.nodes.get(pod.node) ?? []) : pod.addresses
  if (addresses.length > 0) return addresses.map((address) => sideAt(cluster, address))
  const owner = onHost ? { pod: undefined, node: pod.node } : { pod, node: '' }
  return FAMILIES.map((family) => ({ family, address: undefined, ...owner }))
}

function sideAt(cluster: Cluster, address: Address): Side {
  const pod = ownerOf(cluster, address)
  const node = pod === undefined ? nodeAt(cluster, address) : ''
  return { family: familyOf(address), address, pod, node }
}

/** Of all pods that claim an address: the local one, else the one created last, else the greater uid. */
function ownerOf(cluster: Cluster, address: Address): Pod | undefined {
  let owner: Pod | undefined
  for (const pod of cluster.pods.values()) {
    if (pod.addresses.includes(address) && (owner === undefined || beats(pod, owner))) owner = pod
  }
  return owner
}

function beats(pod: Pod, other: Pod): boolean {
  if (pod.local !== other.local) return pod.local
  if (pod.createdAt !== other.createdAt) return pod.createdAt > other.createdAt
  return pod.uid > other.uid
}

function nodeAt(cluster: Cluster, address: Address): string {
  for (const [name, addresses] of cluster.nodes) if (addresses.includes(address)) return name
  return ''
}
