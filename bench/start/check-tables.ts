import type { Cluster } from '../../src/policy/cluster.ts'
import type { Tables } from '../../src/policy/tables.ts'
import { checkFlow } from '../enforcement/check-flow.ts'

/** Each costs a look at all pods. */
const FLOWS = 40

/**
 * What the kernel holds agrees with a direct reading of the policies on a sample of flows.
 *
 * @throws Error that says where not
 */
export function checkTables(cluster: Cluster, tables: Tables): void {
  const pods = cluster.pods.values().toArray()
  const locals = pods.filter(({ local }) => local)
  for (const [index, local] of locals.slice(0, FLOWS).entries()) {
    // Those of the same and of neighbouring applications are next to it; prime steps lead elsewhere.
    const place = pods.indexOf(local) + (index % 4) * 10 + (index % 5) * 7919
    const family = index % 3 === 0 ? 1 : 0
    const subject = local.addresses[family]
    const peer = pods[(place + 1) % pods.length]?.addresses[family]
    if (subject === undefined || peer === undefined) continue
    const port = index % 7 === 0 ? 53 : 8080
    checkFlow(cluster, tables, 'ingress', { from: peer, to: subject, port })
    checkFlow(cluster, tables, 'egress', { from: subject, to: peer, port })
  }
}
