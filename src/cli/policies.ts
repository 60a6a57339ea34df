import { join } from 'node:path'
import { type Command, Option } from 'commander'
import type { PolicyReport } from '../agent/policy-report.ts'
import { versionText } from '../cluster/object-version.ts'
import { askAgent } from './ask-agent.ts'
import { columns } from './columns.ts'
import type { Terminal } from './terminal.ts'

interface Flags {
  readonly namespace: string
  readonly allNamespaces?: true
  readonly output?: 'json'
  readonly runDir: string
}

export function define(command: Command, terminal: Terminal): void {
  command
    .option('-n, --namespace <namespace>', 'those of one namespace', 'default')
    .option('-A, --all-namespaces', 'those of all namespaces')
    .addOption(new Option('-o, --output <format>', 'for machines').choices(['json']))
    .option('--run-dir <directory>', 'where the agent listens', '/run/sluice')
    .action(async ({ namespace, allNamespaces, output, runDir }: Flags) => {
      const everywhere = allNamespaces === true
      const body = await askAgent(join(runDir, 'agent.sock'), '/policies')
      const all: readonly PolicyReport[] = JSON.parse(body)
      const listed = all.filter((one) => everywhere || one.namespace === namespace)
      if (output === 'json') terminal.out(`${JSON.stringify(listed)}\n`)
      else if (listed.length > 0) terminal.out(table(listed, everywhere, new Date()))
      else terminal.err(`No policies${everywhere ? '' : ` in namespace ${namespace}`}.\n`)
    })
}

function table(reports: readonly PolicyReport[], allNamespaces: boolean, now: Date): string {
  const rows = [HEAD, ...reports.map((report) => cells(report, now))]
  return columns(allNamespaces ? rows : rows.map(([, ...rest]) => rest))
}

const HEAD = ['NAMESPACE', 'NAME', 'STATE', 'VERSION', 'PODS', 'LIVE', 'SINCE', 'REASON']

function cells(report: PolicyReport, now: Date): string[] {
  const { namespace, name, state, version, pods, live } = report
  return [
    namespace,
    name,
    state,
    version === null ? '-' : versionText(version),
    String(pods),
    live === null ? '-' : versionText(live.version),
    live === null ? '-' : age(now.getTime() - Date.parse(live.since)),
    reason(report),
  ]
}

function reason({ refused, commitRefused }: PolicyReport): string {
  if (refused !== null) return `${refused.problems.join('; ')} (in force: ${refused.inForce})`
  return commitRefused ?? ''
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const

/** `5s`, `3m`, `2h`, `4d`: of the largest unit that fits. */
function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const unit = UNITS.find(([, length]) => seconds >= length)
  return unit === undefined ? `${seconds}s` : `${Math.floor(seconds / unit[1])}${unit[0]}`
}
