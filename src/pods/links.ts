import { createHash } from 'node:crypto'
import { NetlinkError } from '../netlink/errors.ts'
import { addLink, deleteLinkGroup, getLink, readLink, setLink } from '../netlink/link.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { type Attachment, describe } from './attachment.ts'
import { PodNetworkError, reasonOf } from './errors.ts'
import type { AskedLinks, NamespaceId, PodLinks, WiringOptions } from './wiring.ts'

/** The node's end of every pod's link: each is alone with its pod, so all may have the same. */
export const HOST_MAC = 'ee:ee:ee:ee:ee:ee'

/**
 * Where nobody says how many, veth makes one for each CPU and switches all but the first off, for which the kernel
 * waits, twice for a pair, until no packet on its way can be in one of them (veth_init_queues, Linux 6.18).
 */
const QUEUES = 1

/**
 * Makes the veth pair, both ends down. Whatever must not change later is given now: MAC addresses, since udev
 * would replace those left to chance and permanent neighbours would lead nowhere; and `arp off`, since
 * switching it flushes neighbours.
 *
 * @throws PodNetworkError (interfaceExists, namespaceGone, namespaceOfNode, wiringFailed).
 */
export function createLinks(
  attachment: Attachment,
  netns: string,
  asked: AskedLinks,
  options: Pick<WiringOptions, 'node' | 'nodeNamespace' | 'files' | 'mtu'>,
): PodLinks {
  const { node } = options
  const { hostInterface, ifName } = attachment
  const { mtu = options.mtu, mac: podMac = podMacOf(attachment) } = asked
  const both = { mtu, queues: QUEUES }
  const { index, peer } = withNamespace(netns, options, (fd) => {
    try {
      const pair = addLink(
        { name: hostInterface, mac: HOST_MAC, arp: false, ...both },
        { kind: 'veth', peer: { name: ifName, mac: podMac, netns: { fd }, ...both } },
      )
      const [made] = node.requests([pair, getLink(hostInterface)])
      const link = made && readLink(made)
      if (link?.peer === undefined) throw new Error('the kernel does not name its two ends')
      return { index: link.index, peer: link.peer }
    } catch (error) {
      throw notCreated(attachment, netns, error)
    }
  })
  return { hostMac: HOST_MAC, podMac, mtu, hostIndex: index, podIndex: peer }
}

/** Whatever is in this group of links is about to go. Not a number that anyone would choose by chance. */
const LEAVING_GROUP = 0x534c_4300

/**
 * Deletes links, both ends of each, and with them their addresses, routes and neighbours. Those that are gone are
 * passed over. Takes the kernel 20 to 40 ms, for one as for a hundred (Linux 6.18): it waits until no packet on its
 * way can hold any of them. `socket` is used by nobody else meanwhile.
 *
 * @throws PodNetworkError (wiringFailed).
 */
export async function removeLinks(
  hostInterfaces: readonly string[],
  socket: NetlinkSocket,
): Promise<void> {
  try {
    await socket.requestsApart([
      ...hostInterfaces.map((name) => setLink(name, { group: LEAVING_GROUP })),
      deleteLinkGroup(LEAVING_GROUP),
    ])
  } catch (error) {
    if (error instanceof NetlinkError && error.refusals.every(({ code }) => code === 'ENODEV')) {
      return
    }
    throw failed(`The interfaces ${hostInterfaces.join(', ')} cannot be deleted`, error)
  }
}

/** Locally administered: bit 1 of the first byte. */
const MAC_PREFIX = [0x5a, 0x4c]

function podMacOf({ addresses, hostInterface }: Attachment): string {
  const ipv4 = addresses.find((address) => typeof address === 'number')
  const tail =
    ipv4 === undefined
      ? createHash('sha256').update(hostInterface).digest().subarray(0, 4)
      : Uint8Array.of(ipv4 >>> 24, ipv4 >>> 16, ipv4 >>> 8, ipv4)
  return [...MAC_PREFIX, ...tail].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

function withNamespace<T>(
  netns: string,
  { files, nodeNamespace }: Pick<WiringOptions, 'files' | 'nodeNamespace'>,
  use: (fd: number) => T,
): T {
  let fd: number
  try {
    fd = files.openSync(netns, 'r')
  } catch (cause) {
    const reason = `The network namespace ${netns} cannot be opened: ${reasonOf(cause)}`
    throw new PodNetworkError('namespaceGone', reason, cause)
  }
  try {
    refuseNode(netns, files.fstatSync(fd), nodeNamespace)
    return use(fd)
  } finally {
    files.closeSync(fd)
  }
}

/** An interface and a default route of a pod would take the node off its own network. */
function refuseNode(netns: string, pod: NamespaceId, node: NamespaceId): void {
  if (pod.dev !== node.dev || pod.ino !== node.ino) return
  throw new PodNetworkError(
    'namespaceOfNode',
    `CNI_NETNS is ${netns}, the network namespace of the node itself; a container in it needs no CNI plugin`,
  )
}

function notCreated(attachment: Attachment, netns: string, error: unknown): PodNetworkError {
  const { hostInterface, ifName } = attachment
  if (error instanceof NetlinkError && error.code === 'EEXIST') {
    return new PodNetworkError(
      'interfaceExists',
      `${describe(attachment)} cannot be wired: there is an ${ifName} in ${netns} or a ${hostInterface} on the node already`,
      error,
    )
  }
  return failed(`The link of ${describe(attachment)} to ${netns} cannot be made`, error)
}

function failed(what: string, cause: unknown): PodNetworkError {
  return new PodNetworkError('wiringFailed', `${what}: ${reasonOf(cause)}`, cause)
}
