import { chmod, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { http } from './node-http.ts'

export interface HttpAnswer {
  readonly status: number
  readonly contentType:
    | 'application/json'
    | 'application/x-ndjson'
    | 'text/plain; charset=utf-8'
    | 'text/plain; version=0.0.4'
  readonly body: string
}

/** An answer that goes on until the reader goes. */
export interface HttpStream {
  readonly contentType: HttpAnswer['contentType']
  /** Returns what is to be done once the reader has gone, or the server ends. */
  readonly begin: (reader: StreamReader) => () => void
}

export interface StreamReader {
  send(text: string): void
  /** Bytes that wait because the reader is slow. */
  readonly waitingBytes: number
}

/** What `GET` of each path answers. One that rejects is answered with 502 and its message. */
export type Routes = Readonly<Record<string, Route>>

export type Route = (query: URLSearchParams) => HttpAnswer | HttpStream | Promise<HttpAnswer>

/** A unix socket, which only its owner may use, or a port of an address. */
export type Place = { readonly path: string } | { readonly host: string; readonly port: number }

export interface HttpServer {
  close(): Promise<void>
}

export function json(value: unknown): HttpAnswer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value) }
}

/** A line for people and probes. */
export function plain(status: number, line: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n` }
}

/** Serves what the agent says of itself. Rejects when the place is taken. */
export async function serveHttp(place: Place, routes: Routes): Promise<HttpServer> {
  const server = http.createServer((request, response) => {
    void answer(routes, request.method, request.url ?? '').then((found) => {
      if ('begin' in found) return stream(response, found)
      response.writeHead(found.status, { 'content-type': found.contentType })
      response.end(found.body)
    })
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

function stream(response: ServerResponse, { contentType, begin }: HttpStream): void {
  response.writeHead(200, { 'content-type': contentType })
  // The reader learns that it is followed before there is anything to tell.
  response.flushHeaders()
  const end = begin({
    send: (text) => void response.write(text),
    get waitingBytes() {
      return response.writableLength
    },
  })
  response.once('close', end)
}

async function answer(
  routes: Routes,
  method: string | undefined,
  url: string,
): Promise<HttpAnswer | HttpStream> {
  const [path = '', query] = url.split('?', 2)
  const route = method === 'GET' && Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined) return plain(404, `GET one of ${Object.keys(routes).join(', ')}.`)
  try {
    return await route(new URLSearchParams(query))
  } catch (error) {
    return plain(502, error instanceof Error ? error.message : String(error))
  }
}
