import { formatAddress } from '../address.ts'
import type { Cluster } from '../cluster.ts'
import { describeSide, listed } from './describe.ts'
import type { Endpoint, Flow } from '../flow.ts'
import type { Direction } from '../model.ts'
import type { Ends } from './sides.ts'
import type { DirectionVerdict, Verdict } from '../verdict.ts'

/** Why one pair of addresses got its verdict, in one sentence. */
export function reasonFor(cluster: Cluster, ends: Ends, verdict: Omit<Verdict, 'reason'>): string {
  const { from, to } = ends
  if (from.pod === undefined && to.pod === undefined) {
    return `Neither ${describeSide(from)} nor ${describeSide(to)} is a pod, so no policy applies.`
  }
  if (from.pod !== undefined && from.pod === to.pod) return 'A pod always reaches itself.'
  const told = (['egress', 'ingress'] as const).filter((direction) => {
    const pod = direction === 'egress' ? from.pod : to.pod
    // What does not decide is left out: an allowed direction of a denied flow, an end without a pod.
    return pod !== undefined && verdict[direction].verdict === verdict.verdict
  })
  const clauses = told.map((direction) => clause(cluster, ends, direction, verdict[direction]))
  return sentence(clauses.join('; '))
}

/** The verdict on one of several pairs of addresses. */
export interface Judged {
  readonly ends: Ends
  readonly verdict: Verdict
}

/** Why ends with several addresses, or of a family not known, got theirs. */
export function reasonForMany(judged: readonly Judged[]): string {
  const clauses = judged.map(({ ends, verdict }) => {
    const { from, to } = ends
    const known = from.address !== undefined && to.address !== undefined
    const way = known
      ? `from ${formatAddress(from.address)} to ${formatAddress(to.address)}`
      : `over IPv${from.family}`
    return `${way} the answer is ${verdict.verdict}, because ${uncapitalised(verdict.reason)}`
  })
  return sentence(clauses.join('; '))
}

/** Why there is no packet to judge: a finished pod, or ends without a family in common. */
export function reasonForNone(cluster: Cluster, { from, to }: Flow): string {
  const finished = [from, to].find(
    (end) => end.kind === 'pod' && cluster.pods.get(end.key)?.addressless === 'finished',
  )
  return finished === undefined
    ? `${nameOf(from)} and ${nameOf(to)} have no addresses of one family.`
    : `${nameOf(finished)} has finished: it has no address any more.`
}

/** Starts with the direction, so that a capital letter never falls on an object's name. */
function clause(
  cluster: Cluster,
  ends: Ends,
  direction: Direction,
  verdict: DirectionVerdict,
): string {
  const subject = `${direction} of ${describeSide(direction === 'egress' ? ends.from : ends.to)}`
  if (verdict.never === 'own node') return `${subject}: a pod always hears its own node`
  if (verdict.isolatedBy.length === 0) return `${subject}: no policy isolates it`
  const { allowedBy, nearestMiss } = verdict
  if (allowedBy !== null) return `${subject}: ${allowedBy.policy} ${allowedBy.path} allows it`
  const isolated = `${subject}: it is isolated by ${policiesIn(cluster, verdict)}`
  if (nearestMiss === null) return `${isolated} and no rule allows anything`
  const rule = `${nearestMiss.policy} ${nearestMiss.path}`
  return verdict.verdict === 'depends'
    ? `${isolated}, and it depends on ${rule}: ${nearestMiss.why}`
    : `${isolated}, and the nearest rule, ${rule}, does not match: ${nearestMiss.why}`
}

function policiesIn(cluster: Cluster, { isolatedBy }: DirectionVerdict): string {
  const named = isolatedBy.map((key) => {
    const invalid = cluster.policies.get(key)?.invalid
    return invalid === undefined ? key : `${key} (invalid: ${invalid})`
  })
  return listed(named)
}

function nameOf(end: Endpoint): string {
  return end.kind === 'pod' ? end.key : formatAddress(end.address)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

function uncapitalised(reason: string): string {
  return reason.charAt(0).toLowerCase() + reason.slice(1, -1)
}
