import type { AgentStatus } from './agent-status.ts'

interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  /** By label text, such as `direction="ingress"`; '' where there is only one. */
  readonly values: (status: AgentStatus) => Readonly<Record<string, number>>
}

const METRICS: readonly Metric[] = [
  gauge(
    'sluice_ready',
    'Whether all that is known is in force in the kernel (1) or not (0).',
    (s) => (s.ready && s.commitRefused === null ? 1 : 0),
  ),
  gauge('sluice_pods', 'Pods wired on this node.', (s) => s.pods),
  gauge('sluice_policies', 'Policies in force here.', (s) => s.policies),
  gauge('sluice_invalid_objects', 'Objects that cannot be used.', (s) => s.invalid.length),
  gauge('sluice_classes', 'Peer classes in use.', (s) => s.classes),
  gauge('sluice_port_sets', 'Distinct port sets in the kernel.', (s) => s.portSets),
  gauge('sluice_verdict_rows', 'Verdicts that differ from their pod’s default.', (s) => s.rows),
  {
    name: 'sluice_refused_packets_total',
    type: 'counter',
    help: 'Packets that the program refused, by why.',
    values: ({ packets }) =>
      Object.fromEntries(
        Object.entries(packets).map(([name, count]) => [`reason="${name}"`, count]),
      ),
  },
  {
    name: 'sluice_revoked_connections_total',
    type: 'counter',
    help: 'Open connections cut because policy no longer covers them.',
    values: (s) => ({ '': s.revokedConnections }),
  },
]

/** The metrics in the text format of Prometheus, version 0.0.4. */
export function metricsText(status: AgentStatus): string {
  return METRICS.map(({ name, type, help, values }) =>
    [
      `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`,
      ...Object.entries(values(status)).map(([label, value]) =>
        label === '' ? `${name} ${value}\n` : `${name}{${label}} ${value}\n`,
      ),
    ].join(''),
  ).join('')
}

function gauge(name: string, help: string, value: (status: AgentStatus) => number): Metric {
  return { name, type: 'gauge', help, values: (status) => ({ '': value(status) }) }
}
