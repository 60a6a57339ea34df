import { type Address, formatAddress } from '../../src/policy/address.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import { decide } from '../../src/policy/decide.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import type { Direction } from '../../src/policy/model.ts'
import type { Tables } from '../../src/policy/tables.ts'

export interface TcpFlow {
  readonly from: Address
  readonly to: Address
  readonly port: number
}

/**
 * Holds tables against a direct reading of the policies, in the direction in which a pod of the tables' node is the
 * subject: they judge no others.
 *
 * @throws Error that says where they differ
 */
export function checkFlow(
  cluster: Cluster,
  tables: Tables,
  direction: Direction,
  { from, to, port }: TcpFlow,
): void {
  const rest = { protocol: 'TCP', port } as const
  const { verdict } = evaluate(cluster, {
    from: { kind: 'address', address: from },
    to: { kind: 'address', address: to },
    ...rest,
  })[direction]
  const found = decide(tables, direction, { from, to, ...rest })
  if (found === verdict) return
  throw new Error(
    `WRONG VERDICT: ${direction} of ${formatAddress(from)} to ${formatAddress(to)} is ${found}, not ${verdict}.`,
  )
}
