import type { Cluster } from './cluster.ts'
import type { NodeName } from './plan.ts'
import { until } from './until.ts'

/** The range of a node's pods, as soon as the controller manager has given it one. */
export async function podCidrOf(cluster: Cluster, node: NodeName): Promise<string> {
  let cidr = ''
  await until(`${node} has a range for its pods`, 60_000, async () => {
    const path = '-o=jsonpath={.spec.podCIDR}'
    cidr = await cluster.kubectl(['get', 'node', node, '--ignore-not-found', path])
    return cidr !== ''
  })
  return cidr
}
