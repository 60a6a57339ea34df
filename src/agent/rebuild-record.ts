import type { HostPort } from '../dataplane/host-ports.ts'
import type { PortMapping } from '../pods/port-mapping.ts'
import type { PodRecord } from '../pods/record.ts'
import type { HostInterface } from '../pods/wiring.ts'
import { type Address, familyOf, ip4, ip6 } from '../policy/address.ts'
import type { Pod } from '../policy/model.ts'

export interface RebuildParts {
  /** As the source tells of them. */
  readonly pods: Iterable<Pod>
  /** This one. */
  readonly node: string
  /** As the kernel has them. */
  readonly hostPorts: Iterable<HostPort>
}

/**
 * Writes records anew that were lost: the pod is the one of this node that has one of the interface's addresses by
 * what the source says, its host ports are those of the table. Container, namespace and the interface's name in it
 * are told nowhere; the id is the interface's name, by which the runtime's CHECK and DEL find the record.
 */
export function recordRebuilder({
  pods,
  node,
  hostPorts,
}: RebuildParts): (found: HostInterface) => PodRecord | undefined {
  const owners = ownersOf([...pods].filter((pod) => pod.node === node))
  const mapped = [...hostPorts]
  return ({ name, addresses }) => {
    const owner = addresses.flatMap((address) => owners.get(address) ?? [])[0]
    if (owner === undefined) return undefined
    return {
      id: name,
      network: '',
      pod: { namespace: owner.namespace, name: owner.name, uid: owner.uid },
      containerId: '',
      ifName: '',
      netns: '',
      hostInterface: name,
      addresses,
      portMappings: mapped.filter(({ address }) => addresses.includes(address)).map(mappingOf),
      wiredBy: 'sluice',
      releasedAt: undefined,
    }
  }
}

/** Of two claims to one address that of the pod created last, as in policy. */
function ownersOf(pods: readonly Pod[]): ReadonlyMap<Address, Pod> {
  const oldestFirst = pods.toSorted((a, b) => a.createdAt - b.createdAt)
  return new Map(
    oldestFirst.flatMap((pod) => pod.addresses.map((address) => [address, pod] as const)),
  )
}

/** One without an address of the node is for all of its own family: of the other there may be one as well, or not. */
function mappingOf({ protocol, hostPort, containerPort, hostIp, address }: HostPort): PortMapping {
  const every = familyOf(address) === 4 ? ip4(0) : ip6(0n)
  return { protocol, hostPort, containerPort, hostIp: hostIp ?? every }
}
