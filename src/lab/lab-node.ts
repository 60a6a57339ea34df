import { type AgentOptions, AgentProcess } from './agent-process.ts'
import { type AddressPlan, type NodeAddresses, nodeAddresses } from './address-plan.ts'
import type { LabPaths } from './lab-paths.ts'

/** A node of the lab: a network namespace with an agent. */
export interface LabNode {
  readonly name: string
  /** Path of its network namespace. */
  readonly netns: string
  readonly addresses: NodeAddresses
  /** What the agent of the node keeps and listens at. */
  readonly runDir: string
  readonly agent: AgentProcess
}

/** The nodes with these names, not running yet. Throws when the address ranges are too small. */
export function planNodes(
  names: readonly string[],
  plan: AddressPlan,
  paths: LabPaths,
  { sluice, stopping }: Pick<AgentOptions, 'sluice' | 'stopping'>,
): LabNode[] {
  return names.map((name, place) => {
    const netns = paths.netns(`node-${name}`)
    const runDir = paths.nodeRunDir(place)
    const addresses = nodeAddresses(plan, place)
    const { manifests } = paths
    const node = { netns, addresses, runDir }
    const agent = new AgentProcess({ ...node, sluice, stopping, node: name, manifests })
    return { ...node, name, agent }
  })
}
