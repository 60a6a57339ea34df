import { listAddresses } from '../netlink/interface-address.ts'
import { findLink, type Link } from '../netlink/link.ts'
import { listNeighbours } from '../netlink/neighbour.ts'
import { listRoutes } from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { type Address, type Family, familyOf, formatAddress, widthOf } from '../policy/address.ts'
import type { Attachment } from './attachment.ts'
import type { Bandwidth } from './bandwidth.ts'
import { reasonOf } from './errors.ts'
import { GATEWAYS } from './gateways.ts'
import { HOST_MAC } from './links.ts'
import { checkShape } from './shape-links.ts'
import type { WiringOptions } from './wiring.ts'

/** What differs from pod to pod: by what the runtime asked for, and by what later plugins of its list changed. */
export interface ExpectedPodEnd {
  /** Of the pod's end, as the last result of ADD says; undefined = whichever it has. */
  readonly mac: string | undefined
  /** Families of which the pod's default route is by our gateway, as that result says. */
  readonly defaultRoutes: readonly Family[]
  /** What it may send and receive; undefined = as much as it can. */
  readonly bandwidth: Bandwidth | undefined
}

/**
 * Compares a pod's link with what `create` and `raise` made: both ends, addresses, routes and permanent
 * neighbours.
 *
 * @returns a sentence for each difference
 */
export function checkLinks(
  attachment: Attachment,
  netns: string,
  expected: ExpectedPodEnd,
  { node, openIn }: Pick<WiringOptions, 'node' | 'openIn'>,
): string[] {
  const host = findLink(node, attachment.hostInterface)
  if (host === undefined) return [`The node has no interface ${attachment.hostInterface}`]
  let pod: NetlinkSocket
  try {
    pod = openIn(netns)
  } catch (error) {
    return [`The network namespace ${netns} cannot be opened: ${reasonOf(error)}`]
  }
  try {
    const inside = findLink(pod, attachment.ifName)
    if (inside === undefined) return [`The pod has no interface ${attachment.ifName}`]
    const { bandwidth } = expected
    const ends = { hostIndex: host.index, podIndex: inside.index, mtu: host.mtu }
    return [
      ...checkHostEnd(attachment, host, inside, node),
      ...checkPodEnd(attachment, host, inside, expected, pod),
      ...(bandwidth === undefined ? [] : checkShape(ends, bandwidth, { node, pod })),
    ]
  } finally {
    pod.close()
  }
}

function checkHostEnd(
  { addresses }: Attachment,
  host: Link,
  inside: Link,
  node: NetlinkSocket,
): string[] {
  const { name, index } = host
  const neighbours = listNeighbours(node, index)
  return [
    ...told(host.up, `${name} is down`),
    ...told(host.mac === HOST_MAC, `${name} has the MAC address ${host.mac}, not ${HOST_MAC}`),
    ...told(!host.arp, `${name} answers ARP, which leads forged addresses to the node`),
    ...addresses.flatMap((address) => [
      ...told(
        listRoutes(node, { family: familyOf(address), link: index }).some(
          ({ destination: { first, prefix } }) =>
            first === address && prefix === widthOf(familyOf(address)),
        ),
        `The node has no route to ${formatAddress(address)} on ${name}`,
      ),
      ...told(
        hasNeighbour(neighbours, address, inside.mac),
        `The node has no permanent neighbour ${formatAddress(address)} (${inside.mac}) on ${name}`,
      ),
    ]),
  ]
}

function checkPodEnd(
  { addresses }: Attachment,
  host: Link,
  inside: Link,
  expected: ExpectedPodEnd,
  pod: NetlinkSocket,
): string[] {
  const { name, index } = inside
  const held = listAddresses(pod, index)
  const neighbours = listNeighbours(pod, index)
  const mac = expected.mac ?? inside.mac
  return [
    ...told(inside.up, `The pod's ${name} is down`),
    ...told(
      inside.peer === host.index && host.peer === index,
      `The pod's ${name} is not the other end of ${host.name}`,
    ),
    ...told(inside.mac === mac, `The pod's ${name} has the MAC address ${inside.mac}, not ${mac}`),
    ...addresses.flatMap((address) => {
      const gateway = GATEWAYS[familyOf(address)]
      return [
        ...told(
          held.some((one) => one.address === address),
          `The pod's ${name} has no address ${formatAddress(address)}`,
        ),
        ...told(
          hasNeighbour(neighbours, gateway, HOST_MAC),
          `The pod has no permanent neighbour ${formatAddress(gateway)} (${HOST_MAC}) on ${name}`,
        ),
      ]
    }),
    ...expected.defaultRoutes.flatMap((family) =>
      told(
        hasDefaultRoute(pod, family, index),
        `The pod has no default route by ${formatAddress(GATEWAYS[family])} on ${name}`,
      ),
    ),
  ]
}

function hasDefaultRoute(pod: NetlinkSocket, family: Family, link: number): boolean {
  return listRoutes(pod, { family, link }).some(
    ({ destination, gateway }) => destination.prefix === 0 && gateway === GATEWAYS[family],
  )
}

function hasNeighbour(
  neighbours: ReturnType<typeof listNeighbours>,
  address: Address,
  mac: string | undefined,
): boolean {
  return neighbours.some((one) => one.permanent && one.address === address && one.mac === mac)
}

/** The fault, unless all is well. */
function told(isWell: boolean, fault: string): string[] {
  return isWell ? [] : [fault]
}
