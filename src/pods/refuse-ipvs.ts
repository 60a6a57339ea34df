import { findLink } from '../netlink/link.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'

/** Holds the Service addresses of a node whose kube-proxy is in IPVS mode (kubernetes: pkg/proxy/ipvs). */
const IPVS_INTERFACE = 'kube-ipvs0'

/**
 * IPVS takes packets for a Service in at the input hook and sends them on from the output hook, so that they pass
 * the forward hook, and with it policy, by. A node that enforced only part of its policies would be worse than one
 * that says so.
 *
 * @throws Error on a node in IPVS mode
 */
export function refuseIpvs(node: NetlinkSocket): void {
  const problem = ipvsProblem(node)
  if (problem !== undefined) throw new Error(problem)
}

/** A sentence, on a node in IPVS mode. */
export function ipvsProblem(node: NetlinkSocket): string | undefined {
  if (findLink(node, IPVS_INTERFACE) === undefined) return undefined
  return (
    `kube-proxy is in IPVS mode on this node (there is an interface ${IPVS_INTERFACE}), where connections to Services pass policy by. ` +
    `Set its mode to nftables or iptables; if it is no longer in IPVS mode, run: ip link delete ${IPVS_INTERFACE}`
  )
}
