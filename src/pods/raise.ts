import { addAddress } from '../netlink/interface-address.ts'
import { getLink, setLink } from '../netlink/link.ts'
import type { Request } from '../netlink/message.ts'
import { addNeighbour } from '../netlink/neighbour.ts'
import { addRoute, RTPROT_SLUICE } from '../netlink/route.ts'
import { blockOf, familyOf, widthOf } from '../policy/address.ts'
import type { Address, Cidr, Family } from '../policy/address.ts'
import { type Attachment, describe } from './attachment.ts'
import { PodNetworkError, reasonOf } from './errors.ts'
import { GATEWAYS } from './gateways.ts'
import { setLoopback } from './set-loopback.ts'
import { hostSettings, podSettings, type Settings } from './settings.ts'
import type { PodLinks, WiringOptions } from './wiring.ts'
import { writeSettings } from './write-settings.ts'

/**
 * Brings a pod's link up: settings first, then one datagram to the node's namespace and one to the pod's. The
 * pod's end comes last, so that the node is ready for its first packet.
 *
 * @throws PodNetworkError (wiringFailed).
 */
export function raiseLinks(
  attachment: Attachment,
  netns: string,
  links: PodLinks,
  options: WiringOptions,
): void {
  const { addresses, hostInterface, ifName } = attachment
  const families = new Set(addresses.map(familyOf))
  attempt('The settings', attachment, () => {
    apply(hostSettings(hostInterface, families), options.nodeNetns, options)
    setLoopback(attachment, options)
    apply(podSettings(ifName, families), netns, options)
  })
  attempt("The node's end", attachment, () => {
    options.node.requests(nodeRequests(addresses, links, options.nodeAddresses))
  })
  attempt("The pod's end", attachment, () => {
    const pod = options.openIn(netns)
    try {
      pod.requests(podRequests(addresses, links))
    } finally {
      pod.close()
    }
    // The node's end has its carrier only now, and drops what it sends until the kernel's link watch has run.
    // Asking for the link makes it run at once (Linux 6.8, rtnl_getlink); before, it comes by itself in a moment.
    options.node.request(getLink(links.hostIndex))
  })
}

/** In this order: the kernel takes routes only on a link that is up. */
function nodeRequests(
  addresses: readonly Address[],
  { hostIndex, podMac }: PodLinks,
  nodeAddresses: Readonly<Partial<Record<Family, Address>>>,
): Request[] {
  return [
    setLink(hostIndex, { up: true }),
    ...addresses.flatMap((address) => [
      addNeighbour({ index: hostIndex, address, mac: podMac }),
      addRoute({
        destination: blockOfOne(address),
        link: hostIndex,
        source: nodeAddresses[familyOf(address)],
        protocol: RTPROT_SLUICE,
      }),
    ]),
  ]
}

/**
 * What a link can have while it is down comes first: from the moment it is up, each request waits for the kernel's
 * link watch, which holds the same lock. Routes need it up.
 */
function podRequests(addresses: readonly Address[], { podIndex, hostMac }: PodLinks): Request[] {
  return [
    setLink('lo', { up: true }),
    ...addresses.flatMap((address) => [
      addNeighbour({ index: podIndex, address: GATEWAYS[familyOf(address)], mac: hostMac }),
      addAddress({ index: podIndex, address, prefix: widthOf(familyOf(address)) }),
    ]),
    setLink(podIndex, { up: true }),
    ...addresses.flatMap((address) => [
      ...routesIn(address, podIndex),
      ...routesOut(GATEWAYS[familyOf(address)], podIndex),
    ]),
  ]
}

/** include/uapi/linux/rtnetlink.h */
const RT_TABLE_LOCAL = 255

/**
 * The kernel makes the route by which a pod receives: in IPv4 at once, in IPv6 when its work queue comes to it,
 * which cost the first packet of 1 pod in 10 (Linux 6.18). This one is there until then, and does no harm after.
 */
function routesIn(address: Address, link: number): Request[] {
  if (familyOf(address) === 4) return []
  const destination = blockOfOne(address)
  return [addRoute({ destination, link, type: 'local', table: RT_TABLE_LOCAL })]
}

/** IPv6 takes a link-local gateway as it is; IPv4 wants to be told where it is. */
function routesOut(gateway: Address, link: number): Request[] {
  const toGateway = { destination: blockOfOne(gateway), link }
  const everywhere = { destination: blockOf(gateway, 0), gateway, link }
  return familyOf(gateway) === 4
    ? [addRoute(toGateway), addRoute(everywhere)]
    : [addRoute(everywhere)]
}

function blockOfOne(address: Address): Cidr {
  return blockOf(address, widthOf(familyOf(address)))
}

function apply(all: readonly Settings[], netns: string, options: WiringOptions): void {
  for (const settings of all) writeSettings(settings, netns, options.writeFilesIn)
}

function attempt(what: string, attachment: Attachment, step: () => void): void {
  try {
    step()
  } catch (cause) {
    throw new PodNetworkError(
      'wiringFailed',
      `${what} of the link of ${describe(attachment)} could not be brought up: ${reasonOf(cause)}`,
      cause,
    )
  }
}
