import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { ObjectKey } from '../policy/model.ts'
import type { AgentReports } from './agent-reports.ts'
import type { PolicyReport } from './policy-report.ts'
import { type FlowSource, serveFlows } from './serve-flows.ts'
import {
  type HttpAnswer,
  type HttpServer,
  json,
  plain,
  type Routes,
  serveHttp,
} from './serve-http.ts'
import type { AgentSource } from './source.ts'

export interface StatusPlaces {
  /** `agent.sock` is made in it. */
  readonly runDirectory: string
  /** Of localhost; none without. */
  readonly httpPort: number | undefined
}

export interface StatusParts extends AgentReports {
  readonly source: Pick<AgentSource, 'policyNow'>
  readonly flows: FlowSource
}

/**
 * What the agent says of itself: to root by a socket, to probes and Prometheus by a port of localhost, to which
 * every process in the node's network may talk. Only what costs the source nothing is answered there.
 */
export function serveStatus(
  { runDirectory, httpPort }: StatusPlaces,
  { status, policies, metrics, source, flows }: StatusParts,
): Promise<readonly HttpServer[]> {
  const open: Routes = {
    '/healthz': () => plain(200, 'ok'),
    '/readyz': () => {
      const { commitRefused } = status()
      return commitRefused === null ? plain(200, 'ok') : plain(503, commitRefused)
    },
    '/metrics': () => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4',
      body: metrics(),
    }),
    '/policies': (query) => {
      const key = query.get('policy')
      if (key === null) return listing(policies())
      return isObjectKey(key) ? listing(policies(key)) : UNNAMED
    },
  }
  const rootOnly: Routes = {
    '/status': () => json(status()),
    '/flows': (query) => serveFlows(flows, query),
    '/source/policy': (query) => policyNow(source, query.get('policy')),
  }
  const servers = [serveHttp({ path: join(runDirectory, 'agent.sock') }, { ...rootOnly, ...open })]
  if (httpPort !== undefined) servers.push(serveHttp({ host: '127.0.0.1', port: httpPort }, open))
  return Promise.all(servers)
}

const REPORTS_AT_ONCE = 500

/** Ten thousand take 20 ms: an ADD that comes meanwhile gets in between. */
async function listing(reports: Iterable<PolicyReport>): Promise<HttpAnswer> {
  const texts: string[] = []
  for (const report of reports) {
    texts.push(JSON.stringify(report))
    if (texts.length % REPORTS_AT_ONCE === 0) await setImmediate()
  }
  return { status: 200, contentType: 'application/json', body: `[${texts.join(',')}]` }
}

const UNNAMED = plain(400, 'Name the policy: ?policy=namespace/name.')

async function policyNow(source: StatusParts['source'], key: string | null): Promise<HttpAnswer> {
  if (!isObjectKey(key)) return UNNAMED
  const policy = await source.policyNow(key)
  return policy === undefined ? plain(404, `The source has no policy ${key}.`) : json(policy)
}

function isObjectKey(text: string | null): text is ObjectKey {
  return text !== null && /^[^/]+\/[^/]+$/.test(text)
}
