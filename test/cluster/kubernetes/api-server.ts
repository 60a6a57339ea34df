import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Fault, FaultyBody } from './faulty-body.ts'
import { ObjectStore, type StoreEvent } from './object-store.ts'

export interface ApiRequest {
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** 'stream': a watch with initial events. */
  readonly verb: 'get' | 'list' | 'watch' | 'stream'
}

export interface ApiServerOptions {
  /** Whether a watch may begin with what there is. Servers before 1.32, and some since, refuse that. */
  readonly streamsLists?: boolean
  /** How a watch from a forgotten version is refused. Real servers do both. */
  readonly tellsGone?: 'as status' | 'as event'
  /** Address to listen at; that of localhost without. */
  readonly host?: string
}

/** A small API server: list, pages, watch, streamed lists, bookmarks, compaction; over HTTP, with faults. */
export class ApiServer {
  readonly store = new ObjectStore()
  /** All requests, as they came. */
  readonly requests: ApiRequest[] = []
  /** Decides what goes wrong with an answer. */
  fault: (request: ApiRequest) => Fault | undefined = () => undefined
  readonly options: ApiServerOptions
  readonly #watches = new Set<Watch>()
  #server: Server | undefined
  #port = 0

  constructor(options: ApiServerOptions = {}) {
    this.options = options
  }

  get #host(): string {
    return this.options.host ?? '127.0.0.1'
  }

  get url(): URL {
    return new URL(`http://${this.#host}:${this.#port}`)
  }

  /** Watches that are open now. */
  get watching(): number {
    return this.#watches.size
  }

  /** After a `stop`, at the same port as before; nothing happens while it runs. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return
    const server = createServer((request, response) => void this.#answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, this.#host, resolve)
    })
    this.#server = server
    this.#port = portOf(server.address())
  }

  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }

  /** A bookmark in every watch. */
  bookmark(): void {
    for (const { body, kind } of this.#watches) body.write(bookmarkOf(kind, this.store.version))
  }

  /** An event in every watch that is none of an object. */
  event(event: unknown): void {
    for (const { body } of this.#watches) body.write(`${JSON.stringify(event)}\n`)
  }

  /** Ends every watch properly, as when its time is over, or by cutting the connection. */
  endWatches(how: 'end' | 'drop'): void {
    for (const { body, response } of this.#watches) {
      if (how === 'end') body.end()
      else response.destroy()
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const api: ApiRequest = {
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      verb: verbOf(url),
    }
    this.requests.push(api)
    const fault = this.fault(api)
    if (fault?.kind === 'hold') await fault.until
    if (fault?.kind === 'status') {
      response.writeHead(fault.code, fault.headers)
      response.end(fault.body ?? statusText(fault.code, 'Fault', 'a fault of the test'))
      return
    }
    this.#serve(api, response, fault)
  }

  #serve(request: ApiRequest, response: ServerResponse, fault: Fault | undefined): void {
    response.setHeader('content-type', 'application/json')
    switch (request.verb) {
      case 'get':
        return this.#get(request, response, fault)
      case 'list':
        return this.#list(request, response, fault)
      case 'watch':
      case 'stream':
        return this.#watch(request, response, fault)
    }
  }

  #get({ path }: ApiRequest, response: ServerResponse, fault: Fault | undefined): void {
    const [, group = '', namespace = '', resource = '', name = ''] = SINGLE.exec(path) ?? []
    const text = this.store.get(`${group}/${resource}`, namespace, decodeURIComponent(name))
    if (text === undefined) {
      return refuse(response, 404, 'NotFound', `${resource} ${name} not found`)
    }
    const body = new FaultyBody(response, fault)
    body.write(text)
    body.end()
  }

  #list({ path, query }: ApiRequest, response: ServerResponse, fault: Fault | undefined): void {
    const limit = Number(query.get('limit') ?? 0)
    const page = this.store.page(path, limit, query.get('continue') ?? undefined)
    if (page === undefined) return refuse(response, 410, 'Expired', 'the continue token is too old')
    const { version, texts, rest } = page
    const body = new FaultyBody(response, fault)
    const metadata = JSON.stringify({ resourceVersion: version, continue: rest })
    body.write(`{"kind":"List","apiVersion":"v1","metadata":${metadata},"items":[`)
    for (const [index, text] of texts.entries()) body.write(`${index > 0 ? ',' : ''}${bare(text)}`)
    body.write(']}\n')
    body.end()
  }

  #watch(request: ApiRequest, response: ServerResponse, fault: Fault | undefined): void {
    const { path, query, verb } = request
    if (verb === 'stream' && this.options.streamsLists === false) {
      return refuse(response, 422, 'Invalid', 'sendInitialEvents is forbidden for watch')
    }
    const initial = verb === 'stream' ? this.store.all(path) : []
    const since = verb === 'stream' ? this.store.version : Number(query.get('resourceVersion'))
    let body: FaultyBody | undefined
    const early: StoreEvent[] = []
    const stop = this.store.watch(path, since, (event) => {
      if (body === undefined) early.push(event)
      else body.write(eventText(event))
    })
    if (stop === undefined) return this.#refuseGone(response)
    // A watch is open before anything happens in it.
    response.flushHeaders()
    body = new FaultyBody(response, fault)
    for (const text of initial) body.write(`{"type":"ADDED","object":${text}}\n`)
    const kind = path.slice(path.lastIndexOf('/') + 1)
    if (verb === 'stream') body.write(bookmarkOf(kind, since, END_OF_INITIAL_EVENTS))
    for (const event of early) body.write(eventText(event))
    const watch = { body, response, kind }
    this.#watches.add(watch)
    response.on('close', () => {
      this.#watches.delete(watch)
      stop()
    })
  }

  #refuseGone(response: ServerResponse): void {
    const message = 'too old resource version'
    if (this.options.tellsGone !== 'as event') return refuse(response, 410, 'Expired', message)
    response.end(`{"type":"ERROR","object":${statusText(410, 'Expired', message)}}\n`)
  }
}

interface Watch {
  readonly body: FaultyBody
  readonly response: ServerResponse
  readonly kind: string
}

/** One object: the collection without its resource, the namespace, the resource, the name. */
const SINGLE = /^(\/apis?\/.+)\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/
const END_OF_INITIAL_EVENTS = { 'k8s.io/initial-events-end': 'true' }

function verbOf({ pathname, searchParams }: URL): ApiRequest['verb'] {
  if (SINGLE.test(pathname)) return 'get'
  if (searchParams.get('watch') !== 'true') return 'list'
  return searchParams.get('sendInitialEvents') === 'true' ? 'stream' : 'watch'
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return address.port
}

function eventText({ type, text }: StoreEvent): string {
  return `{"type":"${type}","object":${text}}\n`
}

/** Items of a list do not repeat the kind. */
function bare(text: string): string {
  return text.replace(/^\{"apiVersion":"[^"]*","kind":"[^"]*",/, '{')
}

function bookmarkOf(kind: string, version: number, annotations?: object): string {
  const object = { kind, metadata: { resourceVersion: String(version), annotations } }
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`
}

function statusText(code: number, reason: string, message: string): string {
  return JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, code, reason, message })
}

function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(statusText(code, reason, message))
}
