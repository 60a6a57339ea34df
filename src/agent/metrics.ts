import type { PolicyStanding } from '../cluster/policy-ledger.ts'
import type { ObjectKind } from '../cluster/source-change.ts'
import type { Distribution, Histogram } from '../metrics/histogram.ts'
import type { Metric, Sample } from '../metrics/metric.ts'
import type { AgentStatus } from './agent-status.ts'
import type { Instruments } from './instruments.ts'
import type { ProcessFacts } from './process-facts.ts'

/** What the metrics of an agent are read from. */
export interface MetricSource {
  readonly status: AgentStatus
  /** How many policies are in each state. */
  readonly policyStates: Readonly<Record<PolicyStanding['state'], number>>
  /** Pods that the source has told of, on all nodes. */
  readonly clusterPods: number
  /** Elements of each set and map of the table, where the kernel says. */
  readonly setElements: ReadonlyMap<string, number>
  readonly instruments: Instruments
  readonly process: ProcessFacts
}

/** Everything that an agent tells Prometheus. docs/metrics.md and deploy/grafana-dashboard.json are held to it. */
export const METRICS: readonly Metric<MetricSource>[] = [
  one(
    'gauge',
    'sluice_ready',
    'Whether the kernel holds all that is known (1), or refuses some of it (0).',
    ({ status }) => (status.ready && status.commitRefused === null ? 1 : 0),
  ),
  one(
    'gauge',
    'sluice_source_problems',
    'What is not well with the source of truth and the network between nodes: a sentence each in `sluice status`.',
    ({ status }) => status.sourceProblems.length,
  ),
  {
    name: 'sluice_policies',
    type: 'gauge',
    help: 'Policies of the cluster by their state on this node, as `sluice policies` lists them.',
    labels: ['state'],
    read: ({ policyStates }) => labelled(policyStates),
  },
  one(
    'gauge',
    'sluice_selecting_policies',
    'Policies that select at least one pod of this node.',
    ({ status }) => status.policies,
  ),
  {
    name: 'sluice_invalid_objects',
    type: 'gauge',
    help: 'Objects that cannot be used, by kind. `sluice status` names them.',
    labels: ['kind'],
    read: ({ status }) => labelled(countInvalid(status)),
  },
  one('gauge', 'sluice_pods', 'Pods that have their network on this node.', (s) => s.status.pods),
  one(
    'gauge',
    'sluice_cluster_pods',
    'Pods that this node knows of, on all nodes.',
    ({ clusterPods }) => clusterPods,
  ),
  one(
    'gauge',
    'sluice_classes',
    'Peer classes: groups of addresses that the policies in force here treat alike.',
    ({ status }) => status.classes,
  ),
  one('gauge', 'sluice_port_sets', 'Distinct port sets.', ({ status }) => status.portSets),
  one(
    'gauge',
    'sluice_verdict_rows',
    'Verdicts that differ from the default of their pod and direction.',
    ({ status }) => status.rows,
  ),
  {
    name: 'sluice_set_elements',
    type: 'gauge',
    help: 'Elements of each set and map of table inet sluice, as the kernel counts them. Absent where it does not tell (Linux 6.18 does).',
    labels: ['set'],
    read: ({ setElements }) => labelled(Object.fromEntries(setElements)),
  },
  histogram(
    'sluice_event_commit_seconds',
    'From an event (a pod, policy, namespace or node that changed) being told by the source to the kernel holding what follows from it.',
    ({ instruments }) => instruments.eventSeconds,
  ),
  histogram(
    'sluice_transaction_duration_seconds',
    'Transactions of nf_tables that the kernel carried out: encoding and the kernel’s own time.',
    ({ instruments }) => instruments.transactionSeconds,
  ),
  histogram(
    'sluice_transaction_elements',
    'Elements added and deleted by a transaction.',
    ({ instruments }) => instruments.transactionElements,
  ),
  {
    name: 'sluice_transaction_failures_total',
    type: 'counter',
    help: 'Transactions that failed, by the kernel’s name of the error (EEXIST, ENOSPC …) or by what kept its answer away (NETLINK_LOST …).',
    labels: ['reason'],
    read: ({ instruments }) => labelled(Object.fromEntries(instruments.transactionFailures)),
  },
  {
    name: 'sluice_denied_packets_total',
    type: 'counter',
    help: 'Packets that no rule of the pod’s policies allows. Counted by the kernel, also while no agent runs.',
    labels: ['direction'],
    read: ({ status: { packets } }) =>
      labelled({ ingress: packets['denied_ingress'] ?? 0, egress: packets['denied_egress'] ?? 0 }),
  },
  {
    name: 'sluice_refused_packets_total',
    type: 'counter',
    help: 'Packets refused for what they are, whatever policy says: `spoofed` sources, TCP from the middle of a connection (`mid_stream`), flows that were `revoked`.',
    labels: ['reason'],
    read: ({ status: { packets } }) =>
      labelled(
        Object.fromEntries(Object.entries(packets).filter(([name]) => !name.startsWith('denied_'))),
      ),
  },
  one(
    'counter',
    'sluice_revoked_connections_total',
    'Open connections that were cut because policy covers them no more.',
    ({ status }) => status.revokedConnections,
  ),
  {
    name: 'sluice_repairs_total',
    type: 'counter',
    help: 'What others had changed in table inet sluice and was put right: whole tables, all rules, single elements.',
    labels: ['part'],
    read: ({ status }) => labelled({ ...status.repairs }),
  },
  one(
    'counter',
    'sluice_audits_total',
    'How often the whole of table inet sluice was read back and compared with what was committed.',
    ({ status }) => status.audits,
  ),
  one(
    'counter',
    'sluice_recorded_flows_total',
    'Flows that were recorded of logged packets. Packets between the same addresses, to the same port, within a minute are one.',
    ({ status }) => status.flows.recorded,
  ),
  one(
    'counter',
    'sluice_nflog_lost_packets_total',
    'Logged packets that the agent did not read in time, by the gaps in their numbers.',
    ({ status }) => status.flows.lost,
  ),
  one(
    'counter',
    'sluice_nflog_overruns_total',
    'How often the kernel said that logged packets were lost (ENOBUFS).',
    ({ status }) => status.flows.overruns,
  ),
  one(
    'counter',
    'sluice_nflog_unreadable_packets_total',
    'Logged packets that could not be read, or were not of ours.',
    ({ status }) => status.flows.unreadable,
  ),
  {
    name: 'sluice_cni_request_duration_seconds',
    type: 'histogram',
    help: 'CNI requests by verb and code (0, or that of the error), from the whole request to its reply.',
    labels: ['verb', 'code'],
    read: ({ instruments }) =>
      instruments.cniSeconds
        .entries()
        .map(([labels, seconds]) => ({ labels, value: seconds.read() })),
  },
  one(
    'gauge',
    'process_resident_memory_bytes',
    'Memory of the agent that is in RAM.',
    (source) => source.process.residentBytes,
  ),
  one(
    'counter',
    'process_cpu_seconds_total',
    'CPU time of the agent, user and system.',
    (source) => source.process.cpuSeconds,
  ),
  one(
    'gauge',
    'process_start_time_seconds',
    'When the agent started, in seconds since the epoch.',
    (source) => source.process.startSeconds,
  ),
]

function one(
  type: 'gauge' | 'counter',
  name: string,
  help: string,
  value: (source: MetricSource) => number,
): Metric<MetricSource> {
  return { name, type, help, labels: [], read: (source) => [{ labels: [], value: value(source) }] }
}

function histogram(
  name: string,
  help: string,
  of: (source: MetricSource) => Histogram,
): Metric<MetricSource> {
  const read = (source: MetricSource): Sample<Distribution>[] => [
    { labels: [], value: of(source).read() },
  ]
  return { name, type: 'histogram', help, labels: [], read }
}

function labelled(values: Readonly<Record<string, number>>): Sample<number>[] {
  return Object.entries(values).map(([label, value]) => ({ labels: [label], value }))
}

/** Every kind is told, also those of which there are none: alerts need a series that was there before. */
function countInvalid({ invalid }: AgentStatus): Record<ObjectKind, number> {
  const counts = { namespace: 0, node: 0, pod: 0, policy: 0 }
  for (const { subject } of invalid) counts[subject.object] += 1
  return counts
}
