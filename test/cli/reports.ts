import { onTestFinished } from 'vitest'
import type { AgentReports } from '../../src/agent/agent-reports.ts'
import type { AgentStatus } from '../../src/agent/agent-status.ts'
import type { PolicyReport } from '../../src/agent/policy-report.ts'
import { serveStatus } from '../../src/agent/serve-status.ts'
import type { AgentSource } from '../../src/agent/source.ts'
import { temporaryDirectory } from '../cluster/temporary-directory.ts'

export const STATUS: AgentStatus = {
  node: 'n1',
  ready: true,
  revision: null,
  invalid: [],
  commitRefused: null,
  sourceProblems: [],
  hostProblems: [],
  pods: 0,
  packets: {},
  revokedConnections: 0,
  repairs: { tables: 0, rules: 0, elements: 0 },
  audits: 0,
  flows: { recorded: 0, lost: 0, overruns: 0, unreadable: 0, problem: null },
  policies: 0,
  traits: 0,
  classes: 1,
  portSets: 0,
  profiles: 0,
  localPods: 0,
  rows: 0,
}

export interface FakeAgent {
  readonly policies?: AgentReports['policies']
  readonly policyNow?: AgentSource['policyNow']
  /** None without. */
  readonly httpPort?: number
}

/** Answers as an agent does, for the length of a test; resolves to its run directory. */
export async function serveReports({
  policies = () => [],
  policyNow = () => Promise.resolve(undefined),
  httpPort,
}: FakeAgent): Promise<string> {
  const runDirectory = temporaryDirectory({})
  const metrics = () => ''
  const flows = {
    problem: undefined,
    recent: () => [],
    follow: () => () => undefined,
    sampleAllowed: () => () => undefined,
  }
  const parts = { status: () => STATUS, policies, metrics, source: { policyNow }, flows }
  const servers = await serveStatus({ runDirectory, httpPort }, parts)
  onTestFinished(async () => {
    await Promise.all(servers.map((server) => server.close()))
  })
  return runDirectory
}

/** A policy `shop/web` of which generation 3 is live. */
export function report(fields: Partial<PolicyReport> = {}): PolicyReport {
  return {
    namespace: 'shop',
    name: 'web',
    state: 'live',
    version: { uid: 'one', generation: 3 },
    live: { version: { uid: 'one', generation: 3 }, since: '2026-01-01T00:00:00.000Z' },
    refused: null,
    pods: 1,
    commitRefused: null,
    ...fields,
  }
}
