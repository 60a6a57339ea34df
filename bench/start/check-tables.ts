import { formatAddress } from '../../src/policy/address.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import { decide } from '../../src/policy/decide.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import type { Direction, Pod } from '../../src/policy/model.ts'
import type { Tables } from '../../src/policy/tables.ts'

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
    const peer = pods[(place + 1) % pods.length]
    if (peer === undefined) continue
    checkFlow(cluster, tables, 'ingress', peer, local, index)
    checkFlow(cluster, tables, 'egress', local, peer, index)
  }
}

/** The kernel of a node judges for its own pods: in one direction. */
function checkFlow(
  cluster: Cluster,
  tables: Tables,
  direction: Direction,
  source: Pod,
  target: Pod,
  index: number,
): void {
  const family = index % 3 === 0 ? 1 : 0
  const [from, to] = [source.addresses[family], target.addresses[family]]
  if (from === undefined || to === undefined) return
  const rest = { protocol: 'TCP', port: index % 7 === 0 ? 53 : 8080 } as const
  const ends = {
    from: { kind: 'address', address: from },
    to: { kind: 'address', address: to },
  } as const
  const wanted = evaluate(cluster, { ...ends, ...rest })[direction].verdict
  const found = decide(tables, direction, { from, to, ...rest })
  if (found === wanted) return
  throw new Error(
    `Wrong verdict: ${direction} of ${formatAddress(from)} to ${formatAddress(to)} is ${found}, not ${wanted}.`,
  )
}
