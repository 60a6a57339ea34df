import { type Address, formatAddress } from '../../src/policy/address.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import { decide } from '../../src/policy/decide.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import type { Direction } from '../../src/policy/model.ts'
import type { Tables } from '../../src/policy/tables.ts'

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
    if (subject !== undefined && peer !== undefined) {
      checkFlow(cluster, compiled, 'ingress', { from: peer, to: subject })
      checkFlow(cluster, compiled, 'egress', { from: subject, to: peer })
    }
  }
}

/** In the direction in which our node's pod is the subject: the tables of a node judge its own pods alone. */
function checkFlow(
  cluster: Cluster,
  tables: Tables,
  direction: Direction,
  { from, to }: { readonly from: Address; readonly to: Address },
): void {
  const rest = { protocol: 'TCP', port: 8080 } as const
  const { [direction]: wanted } = evaluate(cluster, {
    from: { kind: 'address', address: from },
    to: { kind: 'address', address: to },
    ...rest,
  })
  const found = decide(tables, direction, { from, to, ...rest })
  if (found === wanted.verdict) return
  throw new Error(
    `Wrong verdict: ${direction} ${formatAddress(from)} to ${formatAddress(to)} is ${found}, not ${wanted.verdict}.`,
  )
}
