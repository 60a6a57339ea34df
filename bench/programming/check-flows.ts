import type { Cluster } from '../../src/policy/cluster.ts'
import type { Tables } from '../../src/policy/tables.ts'
import { checkFlow } from '../enforcement/check-flow.ts'

/** Each costs a look at all pods. */
const FLOWS = 60

/**
 * What was compiled agrees with a direct reading of the policies on a sample of flows.
 *
 * @throws Error that says where not
 */
export function checkFlows(cluster: Cluster, compiled: Tables): void {
  const pods = [...cluster.pods.values()]
  const subjects = pods.filter(({ local }) => local)
  for (let index = 0; index < FLOWS; index++) {
    const subject = subjects[index % subjects.length]?.addresses[index % 2]
    const peer = pods[(index * 7919) % pods.length]?.addresses[index % 2]
    if (subject === undefined || peer === undefined) continue
    checkFlow(cluster, compiled, 'ingress', { from: peer, to: subject, port: 8080 })
    checkFlow(cluster, compiled, 'egress', { from: subject, to: peer, port: 8080 })
  }
}
