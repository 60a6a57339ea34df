/** Names and numbers of the cluster. */

export const CONTROL_PLANE = 'control-plane'
export const NODES = ['node-1', 'node-2'] as const
export type NodeName = (typeof NODES)[number]

/** All machines share this link. Nodes send what they do not know to the control plane's machine. */
export const LINK_PREFIX = 24
export const CONTROL_PLANE_ADDRESS = '172.30.0.1'
export const NODE_ADDRESSES: Readonly<Record<NodeName, string>> = {
  'node-1': '172.30.0.11',
  'node-2': '172.30.0.12',
}
/** An address behind the nodes' gateway: of no pod, no node and no service. */
export const OUTSIDE_ADDRESS = '203.0.113.1'

export const POD_CIDR = '10.244.0.0/16'
export const SERVICE_CIDR = '10.96.0.0/16'
/** The first of the range: the Service `kubernetes`. */
export const API_SERVICE_ADDRESS = '10.96.0.1'
export const API_SERVER = `https://${CONTROL_PLANE_ADDRESS}:6443`

export const PAUSE_IMAGE = 'sluice.test/pause:1'
/** A shell, nc and the rest of busybox, and Kubernetes' agnhost. */
export const TOOLS_IMAGE = 'sluice.test/tools:1'
