import type { PolicyStanding } from '../cluster/policy-ledger.ts'
import type { ObjectKey } from '../policy/model.ts'

/** What an agent says of one policy: an item of `GET /policies`, and a line of `sluice policies`. */
export interface PolicyReport extends PolicyStanding {
  /** Pods of this node that it selects. */
  readonly pods: number
  /** Why the kernel lags behind, as a sentence; null where it does not. */
  readonly commitRefused: string | null
}

export interface PolicyReportParts {
  /** Of the compiler. */
  readonly selected: ReadonlyMap<ObjectKey, number>
  readonly commitRefused: string | null
}

export function* policyReports(
  standings: Iterable<PolicyStanding>,
  { selected, commitRefused }: PolicyReportParts,
): Generator<PolicyReport> {
  for (const standing of standings) {
    yield {
      ...standing,
      pods: selected.get(`${standing.namespace}/${standing.name}`) ?? 0,
      commitRefused: isBehind(standing) ? commitRefused : null,
    }
  }
}

function isBehind({ state }: PolicyStanding): boolean {
  return state === 'accepted' || state === 'leaving'
}
