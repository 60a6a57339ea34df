import { assessRule } from './evaluate/assess-rule.ts'
import type { Assessment } from './evaluate/assess-rule.ts'
import type { Cluster } from './cluster.ts'
import type { Flow } from './flow.ts'
import { keyOf } from './model.ts'
import type { Direction, NetworkPolicy, Pod } from './model.ts'
import { reasonFor, reasonForMany, reasonForNone } from './evaluate/reason.ts'
import type { Judged } from './evaluate/reason.ts'
import { matches } from './selector.ts'
import { sidesOf } from './evaluate/sides.ts'
import type { Ends } from './evaluate/sides.ts'
import type { DirectionVerdict, NearestMiss, RuleRef, Verdict } from './verdict.ts'

/**
 * May this flow pass? A direct reading of the NetworkPolicy API (`networking.k8s.io/v1`), one flow at a time,
 * with the reason. It is the yardstick that the compiler is held against, so it has no index and no cache.
 *
 * @throws Error when an end names a pod that the cluster does not have.
 */
export function evaluate(cluster: Cluster, flow: Flow): Verdict {
  // 1. What the packets may look like at both ends. A packet has one family.
  const to = sidesOf(cluster, flow.to)
  const pairs = sidesOf(cluster, flow.from).flatMap((from) =>
    to.filter((side) => side.family === from.family).map((side) => ({ from, to: side })),
  )
  // 2. Each is judged alone.
  const judged = pairs.map((ends): Judged => ({ ends, verdict: judge(cluster, flow, ends) }))
  // 3. Mostly they agree.
  const [first] = judged
  if (first === undefined) {
    return { verdict: 'deny', reason: reasonForNone(cluster, flow), egress: OPEN, ingress: OPEN }
  }
  const outcomes = new Set(judged.map(({ verdict }) => verdict.verdict))
  if (outcomes.size === 1) return first.verdict
  return merge(judged, first)
}

/**
 * One verdict for ends that differ by address. Where addresses are known it depends on which of them is used.
 * Where none is, two families were tried and the cluster may well have one: a rule that covers a whole family
 * is told as what it is for that family.
 */
function merge(judged: readonly Judged[], first: Judged): Verdict {
  const reason = reasonForMany(judged)
  const verdicts = judged.map(({ verdict }) => verdict)
  const known = judged.every(({ ends }) => (ends.from.address ?? ends.to.address) !== undefined)
  if (known) {
    const obstacle = verdicts.find(({ verdict }) => verdict !== 'allow')
    return { ...(obstacle ?? first.verdict), verdict: 'depends', reason }
  }
  const open = verdicts.find(({ verdict }) => verdict === 'allow')
  const doubtful = verdicts.find(({ verdict }) => verdict === 'depends')
  return { ...(open ?? doubtful ?? first.verdict), reason }
}

const OPEN: DirectionVerdict = {
  verdict: 'allow',
  isolatedBy: [],
  allowedBy: null,
  nearestMiss: null,
}

function judge(cluster: Cluster, flow: Flow, ends: Ends): Verdict {
  const egress = judgeDirection(cluster, flow, ends, 'egress')
  const ingress = judgeDirection(cluster, flow, ends, 'ingress')
  const both = [egress.verdict, ingress.verdict]
  const verdict = both.includes('deny') ? 'deny' : both.includes('depends') ? 'depends' : 'allow'
  return {
    verdict,
    reason: reasonFor(cluster, ends, { verdict, egress, ingress }),
    egress,
    ingress,
  }
}

function judgeDirection(
  cluster: Cluster,
  flow: Flow,
  ends: Ends,
  direction: Direction,
): DirectionVerdict {
  // 1. Policy is about pods: what is at an address of no pod is not isolated.
  const subject = direction === 'ingress' ? ends.to.pod : ends.from.pod
  if (subject === undefined) return OPEN

  // 2. A pod is isolated by every policy that selects it and has this direction.
  const policies = isolating(cluster, subject, direction)
  const isolatedBy = policies.map(keyOf)
  if (policies.length === 0) return OPEN

  // 3. Some flows are never subject to policy.
  const never = exemption(ends)
  if (never !== undefined) return { ...OPEN, isolatedBy, never }

  // 4. It suffices that one rule of one of them allows the flow.
  const assessments = policies.flatMap((policy) =>
    (policy[direction] ?? []).map((rule, index) =>
      assessRule({ cluster, flow, ends, direction, policy }, rule, index),
    ),
  )
  const allowing = assessments.find(({ fails }) => fails.length === 0)
  if (allowing !== undefined) return { ...OPEN, isolatedBy, allowedBy: refOf(allowing) }

  // 5. Else a rule may turn on an address that is not known yet.
  const doubtful = assessments.find(({ fails, unsure }) => unsure && fails.length === 1)
  if (doubtful !== undefined) {
    return { verdict: 'depends', isolatedBy, allowedBy: null, nearestMiss: missOf(doubtful) }
  }

  // 6. Else it is denied. Of equally near rules the first is told.
  const nearest = assessments.toSorted((a, b) => a.fails.length - b.fails.length)[0]
  const nearestMiss = nearest === undefined ? null : missOf(nearest)
  return { verdict: 'deny', isolatedBy, allowedBy: null, nearestMiss }
}

/** Policies of the pod's namespace that select it in this direction, by name. */
function isolating(cluster: Cluster, pod: Pod, direction: Direction): readonly NetworkPolicy[] {
  const policies = [...cluster.policies.values()]
    .filter((policy) => policy.namespace === pod.namespace)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  // Any of them may be about a pod whose labels are not known.
  if (pod.stranger) return policies.map((policy) => ({ ...policy, ingress: [], egress: [] }))
  return policies
    .filter((policy) => policy[direction] !== undefined)
    .filter((policy) => matches(policy.podSelector, pod.labels))
}

/** A pod always reaches itself; what a node sends to its own pods (probes) always arrives. */
function exemption({ from, to }: Ends): 'self' | 'own node' | undefined {
  if (from.pod !== undefined && from.pod === to.pod) return 'self'
  return from.node !== '' && from.node === to.pod?.node ? 'own node' : undefined
}

function refOf({ policy, path }: Assessment): RuleRef {
  return { policy, path }
}

function missOf({ policy, path, fails, explain }: Assessment): NearestMiss {
  return { policy, path, fails, why: explain() }
}
