import type { PolicyLedger } from '../cluster/policy-ledger.ts'
import type { ClusterState } from '../cluster/state.ts'
import { exposition } from '../metrics/exposition.ts'
import { isAttached } from '../pods/record.ts'
import type { Records } from '../pods/records.ts'
import type { Compiler } from '../policy/compile.ts'
import type { ObjectKey } from '../policy/model.ts'
import type { AgentStatus } from './agent-status.ts'
import type { ChainedNode } from './chained-node.ts'
import type { ClusterNetwork } from './cluster-network.ts'
import type { Enforcer } from './enforcer.ts'
import type { FlowRecorder } from './flow-recorder.ts'
import type { Instruments } from './instruments.ts'
import type { Kernel } from './kernel.ts'
import { METRICS } from './metrics.ts'
import { NO_REPAIRS, type TableGuard } from './open-guard.ts'
import type { ProcessFacts } from './process-facts.ts'
import { type PolicyReport, policyReports } from './policy-report.ts'
import type { WatchedHost } from './watch-host.ts'
import type { AgentSource } from './source.ts'

export interface ReportParts {
  readonly node: string
  readonly state: ClusterState
  readonly ledger: PolicyLedger
  readonly compiler: Compiler
  readonly enforcer: Enforcer
  readonly kernel: Kernel
  readonly source: AgentSource
  readonly network: ClusterNetwork
  readonly chained: ChainedNode | undefined
  readonly records: Records
  readonly guard: TableGuard | undefined
  readonly host: Pick<WatchedHost, 'problems'>
  readonly flows: Pick<FlowRecorder, 'counts' | 'problem'>
  readonly instruments: Instruments
  readonly processFacts: () => ProcessFacts
}

/** What a running agent says of itself, gathered when it is asked. */
export interface AgentReports {
  readonly status: () => AgentStatus
  /** For Prometheus. */
  readonly metrics: () => string
  /** Of all policies, or of one: none where nobody has told of it. */
  readonly policies: (key?: ObjectKey) => Iterable<PolicyReport>
}

export function createReports(parts: ReportParts): AgentReports {
  const { state, ledger, compiler, enforcer, kernel, source, network, chained, records } = parts
  const commitRefused = (): string | null => enforcer.refusal?.message ?? null
  const status = (): AgentStatus => ({
    node: parts.node,
    ready: true,
    revision: enforcer.revision ?? null,
    invalid: state.refused,
    commitRefused: commitRefused(),
    sourceProblems: [...source.problems(), ...network.problems, ...(chained?.problems() ?? [])],
    pods: records.all().filter(isAttached).length,
    packets: kernel.packetCounters(),
    revokedConnections: kernel.revokedConnections(),
    hostProblems: parts.host.problems,
    repairs: parts.guard?.repairs ?? NO_REPAIRS,
    audits: parts.guard?.audits ?? 0,
    flows: { ...parts.flows.counts(), problem: parts.flows.problem ?? null },
    ...compiler.stats(),
  })
  return {
    status,
    metrics: () =>
      exposition(METRICS, {
        status: status(),
        policyStates: ledger.count(),
        clusterPods: state.cluster.pods.size,
        setElements: kernel.setElements(),
        instruments: parts.instruments,
        process: parts.processFacts(),
      }),
    policies: (key) =>
      policyReports(key === undefined ? ledger.list() : ledger.of(key), {
        selected: compiler.selected(),
        commitRefused: commitRefused(),
      }),
  }
}
