import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly contentType:
    | 'application/json'
    | 'text/plain; charset=utf-8'
    | 'text/plain; version=0.0.4'
  readonly body: string
}

/** What `GET` of each path answers. */
export type Routes = Readonly<Record<string, () => HttpAnswer>>

/** A unix socket, which only its owner may use, or a port of an address. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number }

export interface HttpServer {
  close(): Promise<void>
}

export function json(value: unknown): HttpAnswer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value) }
}

/** Serves what the agent says of itself. Rejects when the place is taken. */
export async function serveHttp(place: Place, routes: Routes): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const { status, contentType, body } = answer(routes, request.method, request.url ?? '')
    response.writeHead(status, { 'content-type': contentType })
    response.end(body)
  })
  // Left by an agent that was killed; `cni.sock` has made sure that there is no other.
  if ('path' in place) await rm(place.path, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(place, resolve)
  })
  if ('path' in place) await chmod(place.path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(routes: Routes, method: string | undefined, url: string): HttpAnswer {
  const route = method === 'GET' && Object.hasOwn(routes, url) ? routes[url] : undefined
  if (route !== undefined) return route()
  const body = `GET one of ${Object.keys(routes).join(', ')}.\n`
  return { status: 404, contentType: 'text/plain; charset=utf-8', body }
}
