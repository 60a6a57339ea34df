import { join } from 'node:path'
import type { AgentStatus } from './agent-status.ts'
import { metricsText } from './metrics.ts'
import { type HttpAnswer, type HttpServer, json, type Routes, serveHttp } from './serve-http.ts'

export interface StatusPlaces {
  /** `agent.sock` is made in it. */
  readonly runDirectory: string
  /** Of localhost; none without. */
  readonly httpPort: number | undefined
}

/** What the agent says of itself: to root by a socket, to probes and Prometheus by a port of localhost. */
export function serveStatus(
  { runDirectory, httpPort }: StatusPlaces,
  status: () => AgentStatus,
): Promise<readonly HttpServer[]> {
  const plain = (code: number, text: string): HttpAnswer => {
    return { status: code, contentType: 'text/plain; charset=utf-8', body: `${text}\n` }
  }
  const probes: Routes = {
    '/healthz': () => plain(200, 'ok'),
    '/readyz': () => {
      const { commitRefused } = status()
      return commitRefused === null ? plain(200, 'ok') : plain(503, commitRefused)
    },
    '/metrics': () => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4',
      body: metricsText(status()),
    }),
  }
  const path = join(runDirectory, 'agent.sock')
  const servers = [serveHttp({ path }, { '/status': () => json(status()), ...probes })]
  if (httpPort !== undefined) servers.push(serveHttp({ host: '127.0.0.1', port: httpPort }, probes))
  return Promise.all(servers)
}
