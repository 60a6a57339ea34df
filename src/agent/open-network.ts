import type { AgentOptions } from './agent-options.ts'
import { ClusterNetwork, type NetworkParts } from './cluster-network.ts'
import type { AgentSource } from './source.ts'

/** This node's paths to others. Where another plugin wires the pods they are its affair, as is what leaves the cluster. */
export function openNetwork(
  options: AgentOptions,
  source: AgentSource,
  parts: Pick<NetworkParts, 'enforcer' | 'kernel'>,
): ClusterNetwork {
  return new ClusterNetwork(options, {
    ...parts,
    nodes: () => (options.chained ? new Map() : source.nodes()),
    log: options.log,
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  })
}
