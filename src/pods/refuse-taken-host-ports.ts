import { type Address, type Family, familyOf } from '../policy/address.ts'
import { type Attachment, describe } from './attachment.ts'
import { PodNetworkError } from './errors.ts'
import type { PortMapping } from './port-mapping.ts'

type HostPortUser = Pick<Attachment, 'id' | 'pod' | 'ifName' | 'addresses' | 'portMappings'>

/**
 * A port of the node can lead to one pod. The scheduler keeps pods that want the same one apart; those that it
 * has not placed, and those whose predecessor has not left yet, are found here.
 *
 * @throws PodNetworkError (hostPortTaken) that names the port and both pods.
 */
export function refuseTakenHostPorts(wanted: HostPortUser, others: Iterable<HostPortUser>): void {
  if (wanted.portMappings.length === 0) return
  for (const other of others) {
    if (other.id === wanted.id) continue
    const families = familiesOf(wanted).intersection(familiesOf(other))
    const taken = wanted.portMappings.find((mapping) =>
      other.portMappings.some((held) => overlap(mapping, held, families)),
    )
    if (taken === undefined) continue
    throw new PodNetworkError(
      'hostPortTaken',
      `Host port ${taken.hostPort}/${taken.protocol} that ${describe(wanted)} asks for is ${describe(other)}'s on this node; give one of them another hostPort, or another node`,
    )
  }
}

function familiesOf({ addresses }: HostPortUser): Set<Family> {
  return new Set(addresses.map(familyOf))
}

function overlap(a: PortMapping, b: PortMapping, families: ReadonlySet<Family>): boolean {
  if (a.protocol !== b.protocol || a.hostPort !== b.hostPort) return false
  return [...families].some((family) => {
    if (!isFor(a.hostIp, family) || !isFor(b.hostIp, family)) return false
    return isEvery(a.hostIp) || isEvery(b.hostIp) || a.hostIp === b.hostIp
  })
}

function isFor(hostIp: Address | undefined, family: Family): boolean {
  return hostIp === undefined || familyOf(hostIp) === family
}

function isEvery(hostIp: Address | undefined): boolean {
  return hostIp === undefined || hostIp === 0 || hostIp === 0n
}
