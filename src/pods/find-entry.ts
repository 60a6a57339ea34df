import { findLink, type Link } from '../netlink/link.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import type { BridgePort } from './attachment.ts'
import { PodNetworkError, reasonOf } from './errors.ts'
import type { WiringOptions } from './wiring.ts'

/** Where a pod's packets come to the node. */
export interface PodEntry {
  /** The interface that the node's network stack sees them come from. */
  readonly hostInterface: string
  /** Where that is a bridge. */
  readonly bridgePort: BridgePort | undefined
}

/**
 * Where an interface that another plugin gave a pod comes to the node. Found by the kernel's own numbers, each
 * end naming the other, since the names in a plugin's result are its own affair.
 *
 * @throws PodNetworkError (namespaceGone, notEnforceable).
 */
export function findEntry(
  netns: string,
  ifName: string,
  { node, openIn }: Pick<WiringOptions, 'node' | 'openIn'>,
): PodEntry {
  const inside = linkInside(netns, ifName, openIn)
  const outside = inside.kind === 'veth' ? peerOf(inside, node) : undefined
  if (outside === undefined) {
    throw notEnforceable(
      `${ifName} is a ${inside.kind ?? 'hardware'} interface without an end on this node`,
    )
  }
  if (outside.master === undefined) {
    return { hostInterface: outside.name, bridgePort: undefined }
  }
  const master = findLink(node, outside.master)
  if (master?.kind !== 'bridge' || inside.mac === undefined) {
    throw notEnforceable(
      `${outside.name} belongs to the ${master?.kind ?? 'vanished'} ${master?.name ?? 'interface'}`,
    )
  }
  if (master.vlanFiltering) {
    // Inside such a bridge packets carry a tag, and br_netfilter shows no tagged ones (Linux 6.18, br_nf_forward).
    throw notEnforceable(`the bridge ${master.name} has vlan_filtering`)
  }
  return { hostInterface: master.name, bridgePort: { name: outside.name, mac: inside.mac } }
}

function linkInside(netns: string, ifName: string, openIn: WiringOptions['openIn']): Link {
  let socket: NetlinkSocket
  try {
    socket = openIn(netns)
  } catch (cause) {
    const reason = `The network namespace ${netns} cannot be opened: ${reasonOf(cause)}`
    throw new PodNetworkError('namespaceGone', reason, cause)
  }
  try {
    const link = findLink(socket, ifName)
    if (link !== undefined) return link
  } finally {
    socket.close()
  }
  throw notEnforceable(`${netns} has no interface ${ifName}`)
}

function peerOf(inside: Link, node: NetlinkSocket): Link | undefined {
  const outside = inside.peer === undefined ? undefined : findLink(node, inside.peer)
  const isPeer = outside?.kind === 'veth' && outside.peer === inside.index
  return isPeer ? outside : undefined
}

function notEnforceable(reason: string): PodNetworkError {
  return new PodNetworkError(
    'notEnforceable',
    `Policy cannot be enforced on this pod: ${reason}. Let the plugin before sluice-cni make a veth pair, alone or on a Linux bridge without VLANs`,
  )
}
