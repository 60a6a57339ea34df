import { join } from 'node:path'
import type { Command } from 'commander'
import type { AgentStatus } from '../agent/agent-status.ts'
import { askAgent } from './ask-agent.ts'
import type { Terminal } from './terminal.ts'

export function define(command: Command, terminal: Terminal): void {
  command
    .option('--run-dir <directory>', 'where the agent listens', '/run/sluice')
    .option('--json', 'print what the agent answers, as JSON')
    .action(async ({ runDir, json }: { runDir: string; json?: boolean }) => {
      const text = await askAgent(join(runDir, 'agent.sock'), '/status')
      const status: AgentStatus = JSON.parse(text)
      terminal.out(json === true ? `${text}\n` : screen(status))
    })
}

/** One screen: what is in force, what lags behind, what cannot be used. */
function screen(status: AgentStatus): string {
  const { invalid, packets } = status
  const lines = [
    ['node', status.node],
    ['policy', status.commitRefused ?? 'in force'],
    ['source', status.sourceProblems.length === 0 ? 'followed' : status.sourceProblems.join('; ')],
    ['host', status.hostProblems.length === 0 ? 'in order' : status.hostProblems.join('; ')],
    ['pods here', String(status.pods)],
    ['policies in force', String(status.policies)],
    ['verdicts', `${status.classes} classes, ${status.portSets} port sets, ${status.rows} rows`],
    [
      'refused packets',
      Object.entries(packets)
        .map(([name, n]) => `${name} ${n}`)
        .join(', '),
    ],
    ['revoked', `${status.revokedConnections} connections`],
    [
      'repairs',
      `${status.repairs.tables} tables, ${status.repairs.rules} programs, ${status.repairs.elements} elements`,
    ],
    ['denied flows', flowsLine(status)],
    ['invalid objects', invalid.length === 0 ? 'none' : String(invalid.length)],
  ] as const
  const problems = invalid.map(
    ({ subject, problems: found, inForce }) =>
      `  ${subject.object} ${subject.key} (in force: ${inForce}): ${found.join('; ')}`,
  )
  return [...lines.map(([name, value]) => `${name.padEnd(18)} ${value}`), ...problems, ''].join(
    '\n',
  )
}

function flowsLine({ flows: { problem, recorded, lost } }: AgentStatus): string {
  return problem ?? `${recorded} recorded, ${lost} packets lost`
}
