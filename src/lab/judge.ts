import type { Cluster } from '../policy/cluster.ts'
import { Compiler } from '../policy/compile.ts'
import { decide } from '../policy/decide.ts'
import { evaluate } from '../policy/evaluate.ts'
import type { ClusterEvent } from '../policy/model.ts'
import type { Tables } from '../policy/tables.ts'
import type { Verdict } from '../policy/verdict.ts'
import type { Outcome } from './place-messages.ts'
import type { ProbePacket, ProbeResult, ProbeVerdict } from './probe.ts'

/** What a packet should find, by both implementations of policy. */
export interface Expectation {
  readonly verdict: Verdict
  readonly evaluated: ProbeVerdict
  readonly compiled: ProbeVerdict
}

/** Judges packets by the evaluator and by the compiled tables of a cluster. */
export function judgeOf(cluster: Cluster): (packet: ProbePacket) => Expectation {
  const tables = tablesOf(cluster)
  return ({ source, destination, protocol, port }) => {
    const flow = { from: source.address, to: destination.address, protocol, ...(port && { port }) }
    const verdict = evaluate(cluster, {
      ...flow,
      from: { kind: 'address', address: source.address },
      to: { kind: 'address', address: destination.address },
    })
    const passes = (direction: 'ingress' | 'egress') =>
      // What policy has no say in is no business of the tables.
      verdict[direction].never !== undefined || decide(tables, direction, flow) === 'allow'
    return {
      verdict,
      evaluated: verdict.verdict === 'allow' ? 'allow' : 'deny',
      compiled: passes('egress') && passes('ingress') ? 'allow' : 'deny',
    }
  }
}

/** As if one node had all pods: the verdicts of every one, in one set of tables. */
function tablesOf({ namespaces, pods, policies, nodes }: Cluster): Tables {
  const compiler = new Compiler()
  const events: ClusterEvent[] = [
    ...[...namespaces.values()].map((namespace) => ({ kind: 'namespace', namespace }) as const),
    ...[...nodes].map(([name, addresses]) => ({ kind: 'node', name, addresses }) as const),
    ...[...policies.values()].map((policy) => ({ kind: 'policy', policy }) as const),
    ...[...pods.values()].map((pod) => ({ kind: 'pod', pod: { ...pod, local: true } }) as const),
  ]
  compiler.apply(events)
  return compiler.tables()
}

/** Holds what a packet found against what it should have found. */
export function resultOf(
  packet: ProbePacket,
  expectation: Expectation,
  outcome: Outcome,
): ProbeResult {
  const { verdict, evaluated, compiled } = expectation
  const actual = outcome.kind === 'answered' ? 'allow' : 'deny'
  const stranger = strangerOf(packet, outcome)
  const agreed =
    evaluated === compiled && evaluated === actual && outcome.kind !== 'unsent' && !stranger
  const reason = agreed
    ? verdict.reason
    : [
        `Disagreement: the evaluator says ${evaluated}, the compiler ${compiled}, the packet ${actual}`,
        ` (${stranger ?? detailOf(outcome)}). The evaluator's reason: ${verdict.reason}`,
      ].join('')
  return { ...packet, expected: evaluated, actual, agreed, reason, verdict }
}

/** Somebody else answered than the one that was asked. */
function strangerOf({ protocol, destination }: ProbePacket, outcome: Outcome): string | undefined {
  if (outcome.kind !== 'answered' || protocol === 'ICMP') return undefined
  return outcome.by === destination.place ? undefined : `the answer came from ${outcome.by}`
}

function detailOf(outcome: Outcome): string {
  if (outcome.kind === 'answered') return `${outcome.by} answered`
  return outcome.kind === 'unsent' ? `it could not be sent: ${outcome.detail}` : outcome.detail
}
