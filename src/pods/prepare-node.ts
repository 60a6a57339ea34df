import { replaceRoute, RTPROT_SLUICE } from '../netlink/route.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { type Cidr, familyOf } from '../policy/address.ts'
import { refuseIpvs } from './refuse-ipvs.ts'
import { nodeSettings } from './settings.ts'
import { type WriteFilesIn, writeSettings } from './write-settings.ts'

export interface NodeParts {
  /** An rtnetlink socket in the node's namespace. */
  readonly node: NetlinkSocket
  /** Path of the node's namespace. */
  readonly nodeNetns: string
  readonly writeFilesIn: WriteFilesIn
}

/**
 * Makes the node carry packets between pods, and answer for the addresses of its ranges that no pod has:
 * otherwise a packet for one would leave by the default route, and the connection tracked for it would
 * meet the pod that gets the address next.
 *
 * @throws {NativeError} @throws {NetlinkError}
 * @throws Error on a node that does not send all packets of pods past policy
 */
export function prepareNode(podCidrs: readonly Cidr[], parts: NodeParts): void {
  refuseIpvs(parts.node)
  const families = new Set(podCidrs.map(({ first }) => familyOf(first)))
  for (const settings of nodeSettings(families)) {
    writeSettings(settings, parts.nodeNetns, parts.writeFilesIn)
  }
  parts.node.requests(
    podCidrs.map((destination) =>
      replaceRoute({ destination, type: 'unreachable', protocol: RTPROT_SLUICE }),
    ),
  )
}
