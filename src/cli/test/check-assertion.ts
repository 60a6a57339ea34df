import type { Cluster } from '../../policy/cluster.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Flow } from '../../policy/flow.ts'
import type { DirectionVerdict, RuleRef, Verdict } from '../../policy/verdict.ts'
import { unknownPod } from '../unknown-pod.ts'
import type { Assertion } from './read-assertions.ts'

/** An assertion held against the policies. */
export interface CheckedAssertion {
  readonly assertion: Assertion
  /** In what it does not hold, as sentences; undefined when it does. */
  readonly failure: string | undefined
  /** The rules that the failure is about: those that allow, or the nearest misses. */
  readonly rules: readonly RuleRef[]
}

/** Asks the evaluator that `sluice explain` and the kernel's compiler agree with. */
export function checkAssertion(assertion: Assertion, cluster: Cluster): CheckedAssertion {
  const { flow, expect, because } = assertion
  const missing = missingPod(flow, cluster)
  if (missing !== undefined) return { assertion, failure: missing, rules: [] }
  const verdict = evaluate(cluster, flow)
  const rules = rulesOf(verdict)
  if (verdict.verdict !== expect) {
    const failure = `expected ${expect}, is ${verdict.verdict}. ${verdict.reason}`
    return { assertion, failure, rules }
  }
  if (because !== undefined && !decides(because, verdict)) {
    const failure = `is ${expect} as expected, but not because of ${because}. ${verdict.reason}`
    return { assertion, failure, rules }
  }
  return { assertion, failure: undefined, rules }
}

function missingPod({ from, to }: Flow, cluster: Cluster): string | undefined {
  const end = [from, to].find((one) => one.kind === 'pod' && !cluster.pods.has(one.key))
  return end?.kind === 'pod' ? unknownPod(end.key, cluster) : undefined
}

/** A policy decides an allow by the rule that is told, and a deny by isolating the pod that refuses. */
function decides(policy: string, { verdict, egress, ingress }: Verdict): boolean {
  const directions = [egress, ingress]
  if (verdict === 'allow') return directions.some(({ allowedBy }) => allowedBy?.policy === policy)
  return directions.some(
    (direction) =>
      direction.verdict === verdict && direction.isolatedBy.some((key) => key === policy),
  )
}

function rulesOf({ verdict, egress, ingress }: Verdict): RuleRef[] {
  return [egress, ingress].flatMap((direction) => {
    if (direction.verdict !== verdict) return []
    const rule = direction.allowedBy ?? direction.nearestMiss ?? isolationOf(direction)
    return rule === undefined ? [] : [rule]
  })
}

function isolationOf({ verdict, isolatedBy: [policy] }: DirectionVerdict): RuleRef | undefined {
  return verdict === 'allow' || policy === undefined
    ? undefined
    : { policy, path: 'spec.podSelector' }
}
