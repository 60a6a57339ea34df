import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Json } from '../json.ts'
import type { Access, Credentials } from './credentials.ts'
import { ApiError, BrokenConnection } from './errors.ts'
import type { KubernetesSystem } from './system.ts'

export interface GetOptions {
  readonly query?: Readonly<Record<string, string>>
  /** How long the answer may take to begin. */
  readonly answerMs: number
  /** How long nothing may come of an answer that has begun. */
  readonly quietMs: number
  readonly signal: AbortSignal
}

/** Speaks HTTP with the API server. */
export interface ApiClient {
  /**
   * The body of the answer, as it comes in. Whoever stops reading it closes the connection.
   * @throws {ApiError} for every answer but 200
   * @throws {BrokenConnection} when the connection does not come about, ends too early, or is quiet for too long
   */
  get(path: string, options: GetOptions): AsyncGenerator<Buffer>
  close(): void
}

/**
 * How long a connection may take to come about: three more SYNs after the first. It is not waited for any longer,
 * because it may go to the wrong place for good: a connection to a Service that is begun before kube-proxy knows the
 * Service is tracked as what it began as, and no SYN that follows is translated.
 */
const CONNECT_MS = 10_000
/** A peer that has vanished is noticed by the kernel 10 s after that (libuv: ten probes, one a second). */
const KEEP_ALIVE_MS = 15_000
/** Below the 90 s after which the API server closes idle connections (Go `http.Transport` and kube-apiserver). */
const IDLE_MS = 60_000

/**
 * HTTP/1.1 with a connection for each watch, so that a list of many pods, or a stalled one, holds up no other
 * answer as it would behind the flow control of one HTTP/2 connection; short requests share kept-alive ones.
 */
export function createClient(credentials: Credentials, system: KubernetesSystem): ApiClient {
  const kept = { keepAlive: true, timeout: IDLE_MS }
  const plain = new system.http.Agent(kept)
  const secure = new system.https.Agent(kept)
  const send: Send = (access, path, options, onAnswer) => {
    const url = new URL(path, access.server)
    for (const [name, value] of Object.entries(options.query ?? {}))
      url.searchParams.set(name, value)
    const { signal } = options
    const headers = headersFor(access)
    return url.protocol === 'http:'
      ? system.http.request(url, { agent: plain, headers, signal }, onAnswer)
      : system.https.request(url, { ...access.tls, agent: secure, headers, signal }, onAnswer)
  }
  return {
    get: async function* (path, options) {
      const access = await credentials.current()
      const answer = await answerOf(send, access, path, options, system)
      const body = bodyOf(answer, options.quietMs, system)
      if (answer.statusCode === 200) yield* body
      else throw await errorOf(answer, body)
    },
    close: () => {
      plain.destroy()
      secure.destroy()
    },
  }
}

type Send = (
  access: Access,
  path: string,
  options: GetOptions,
  onAnswer: (answer: IncomingMessage) => void,
) => import('node:http').ClientRequest

function headersFor({ token }: Access): Record<string, string> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return { accept: 'application/json', 'user-agent': 'sluice', ...authorization }
}

function answerOf(
  send: Send,
  access: Access,
  path: string,
  options: GetOptions,
  system: KubernetesSystem,
): Promise<IncomingMessage> {
  const { setTimeout, clearTimeout } = system
  return new Promise((resolve, reject) => {
    const request = send(access, path, options, (answer) => {
      clearTimeout(timer)
      resolve(answer)
    })
    const timer = setTimeout(
      () => request.destroy(quiet(access.server, options.answerMs)),
      options.answerMs,
    )
    request.on('socket', (socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_MS)
      if (socket.connecting) limitConnecting(socket, access.server, system)
    })
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(brokenBy(error, access.server))
    })
    request.end()
  })
}

function limitConnecting(
  socket: Socket,
  { host }: URL,
  { setTimeout, clearTimeout }: KubernetesSystem,
): void {
  const giveUp = (): void => {
    const message = `No connection to the API server at ${host} comes about in ${CONNECT_MS / 1000} s.`
    socket.destroy(new BrokenConnection('dropped', message))
  }
  const timer = setTimeout(giveUp, CONNECT_MS)
  socket.once('connect', () => clearTimeout(timer))
  socket.once('close', () => clearTimeout(timer))
}

async function* bodyOf(
  answer: IncomingMessage,
  quietMs: number,
  { setTimeout, clearTimeout }: KubernetesSystem,
): AsyncGenerator<Buffer> {
  const giveUp = (): void => {
    answer.destroy(new BrokenConnection('quiet', `Not a byte came for ${quietMs / 1000} s.`))
  }
  let timer = setTimeout(giveUp, quietMs)
  try {
    for await (const chunk of answer) {
      clearTimeout(timer)
      yield chunk
      timer = setTimeout(giveUp, quietMs)
    }
  } catch (error) {
    throw brokenBy(error)
  } finally {
    clearTimeout(timer)
  }
}

const MAX_ERROR_BYTES = 64 * 1024
/** However long a server asks us to stay away, we look in again after this. */
const MAX_RETRY_AFTER_MS = 60_000

async function errorOf(
  { statusCode = 0, headers }: IncomingMessage,
  body: AsyncIterable<Buffer>,
): Promise<ApiError> {
  const seconds = Number(headers['retry-after'])
  const retryAfterMs = seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : 0
  return new ApiError(statusCode, statusFrom(await readStart(body)), { in: 'answer', retryAfterMs })
}

async function readStart(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of body) {
    parts.push(part)
    bytes += part.length
    if (bytes > MAX_ERROR_BYTES) break
  }
  return Buffer.concat(parts).toString()
}

/** The API's `Status` object; a proxy before it answers in other ways. */
function statusFrom(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function quiet({ host }: URL, ms: number): BrokenConnection {
  return new BrokenConnection(
    'quiet',
    `The API server at ${host} does not answer for ${ms / 1000} s.`,
  )
}

function brokenBy(error: unknown, server?: URL): Error {
  if (error instanceof BrokenConnection) return error
  const reason = error instanceof Error ? error.message : String(error)
  const place = server === undefined ? '' : ` at ${server.host}`
  const message = `The connection to the API server${place} fails: ${reason || 'no reason is given'}.`
  return new BrokenConnection('dropped', message, { cause: error })
}
