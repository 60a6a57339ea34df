import { METRICS } from '../src/agent/metrics.ts'

/** docs/metrics.md: what an agent tells Prometheus, from the table that the agent itself uses. */
export function metricsPage(): string {
  const rows = METRICS.map(({ name, type, labels, help }) => {
    const cells = [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(', '), help]
    return `| ${cells.join(' | ')} |\n`
  })
  return `${INTRODUCTION}\n${HEAD}${rows.join('')}`
}

const INTRODUCTION = `# Metrics

<!-- Written by \`npm run docs:metrics\` from src/agent/metrics.ts; a test holds the two together. -->

With \`--http-port\` an agent answers \`GET /metrics\` on 127.0.0.1 of its node, in the text format of Prometheus. Whoever scrapes must run on the node, in its network: a collector as a DaemonSet with \`hostNetwork\`. The same is on \`agent.sock\` in the run directory, for root.

Every figure is of one node. Counters of packets live in the kernel: they go on while no agent runs, and begin anew when another version of the program replaces the table. All other counters begin anew with the agent. Histograms have the usual \`_bucket\`, \`_sum\` and \`_count\`.

[deploy/grafana-dashboard.json](../deploy/grafana-dashboard.json) shows them: in Grafana, Dashboards → New → Import. What deserves an alert:

| Expression | Says |
|---|---|
| \`sluice_ready == 0\` | the kernel refuses a change; policy stays as it was. \`sluice status\` says why |
| \`sum by (instance) (sluice_policies{state=~"accepted\\|leaving"}) > 0\` for minutes | the same, policy by policy: \`sluice policies -A\` |
| \`sluice_invalid_objects > 0\` | somebody wrote what cannot be used; what a policy names is closed until it is mended |
| \`sluice_source_problems > 0\` for minutes | the node may be behind the cluster, or cannot reach another node's pods |
| \`increase(sluice_repairs_total[10m]) > 0\` | somebody else changes the table: \`table.repaired\` in the log of the agent says what, and who |
| \`increase(sluice_transaction_failures_total[10m]) > 0\` | something else changes the table, or the node is short of memory |
| \`increase(sluice_cni_request_duration_seconds_count{verb="ADD",code!~"0\\|11"}[10m]) > 0\` | pods do not start; [cni.md](cni.md) has the codes |
`

const HEAD = `| Metric | Type | Labels | |
|---|---|---|---|
`
