import { quoteRule, withPlace } from '../cluster/rule-place.ts'
import type { Manifests } from '../cluster/manifests.ts'
import { formatAddress } from '../policy/address.ts'
import type { Endpoint, Flow } from '../policy/flow.ts'
import type { Direction } from '../policy/model.ts'
import type { DirectionVerdict, Outcome, RuleRef, Verdict } from '../policy/verdict.ts'
import { type Style, type Terminal, styled } from './terminal.ts'

/** An answer of the evaluator, and the manifests that it is about. */
export interface Explanation {
  readonly flow: Flow
  readonly verdict: Verdict
  readonly manifests: Manifests
}

/** The answer as one JSON object, every rule with its file and line. */
export function explanationJson({ flow, verdict, manifests }: Explanation): string {
  const direction = ({ isolatedBy, allowedBy, nearestMiss, never }: DirectionVerdict) => ({
    isolatedBy,
    allowedBy: allowedBy && withPlace(allowedBy, manifests),
    nearestMiss: nearestMiss && withPlace(nearestMiss, manifests),
    ...(never && { never }),
  })
  const answer = {
    from: nameOf(flow.from),
    to: nameOf(flow.to),
    port: flow.port ?? null,
    protocol: flow.protocol,
    verdict: verdict.verdict,
    reason: verdict.reason,
    egress: direction(verdict.egress),
    ingress: direction(verdict.ingress),
  }
  return `${JSON.stringify(answer, null, 2)}\n`
}

/** The answer for a person: the verdict, and for each direction what decides and where it is written. */
export function explanationText(explanation: Explanation, terminal: Terminal): string {
  const { flow, verdict } = explanation
  const outcome = styled(terminal, STYLES[verdict.verdict], verdict.verdict)
  const what = flow.port === undefined ? flow.protocol : `${flow.port}/${flow.protocol}`
  const lines = [
    `${outcome}  ${nameOf(flow.from)} → ${nameOf(flow.to)}  ${what}`,
    verdict.reason,
    ...directionLines('egress', flow.from, explanation, terminal),
    ...directionLines('ingress', flow.to, explanation, terminal),
  ]
  return `${lines.join('\n')}\n`
}

const STYLES: Readonly<Record<Outcome, Style>> = {
  allow: 'green',
  deny: 'red',
  depends: 'yellow',
}

function directionLines(
  direction: Direction,
  end: Endpoint,
  explanation: Explanation,
  terminal: Terminal,
): string[] {
  const { verdict, isolatedBy, allowedBy, nearestMiss } = explanation.verdict[direction]
  if (isolatedBy.length === 0) return []
  const outcome = styled(terminal, STYLES[verdict], verdict)
  const [first = null] = verdict === 'deny' && nearestMiss === null ? isolatedBy : []
  return [
    `${direction} ${nameOf(end)}: ${outcome}, isolated by ${isolatedBy.join(', ')}`,
    // No rule of any policy comes near, as under a default deny: the place of what isolates is told.
    ...ruleLines(
      'isolated by',
      first && { policy: first, path: 'spec.podSelector' },
      explanation,
      terminal,
    ),
    ...ruleLines('allowed by', allowedBy, explanation, terminal),
    ...ruleLines(
      verdict === 'depends' ? 'depends on' : 'nearest miss',
      nearestMiss,
      explanation,
      terminal,
    ),
  ]
}

function ruleLines(
  role: string,
  rule: RuleRef | null,
  { manifests }: Explanation,
  terminal: Terminal,
): string[] {
  if (rule === null) return []
  const { file, line } = withPlace(rule, manifests)
  const place = styled(terminal, 'dim', `${file}:${line}:`)
  return [`  ${role} ${rule.policy} ${rule.path}`, `    ${place} ${quoteRule(rule, manifests)}`]
}

function nameOf(end: Endpoint): string {
  return end.kind === 'pod' ? end.key : formatAddress(end.address)
}
