/**
 * An API server that has nothing but pods: as many as its argument says. Run by bench/kubernetes-source.ts, which
 * it tells its ports.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { podText } from './pod-text.ts'

const PODS = Number(process.argv[2])
const VERSION = '9999999'
const PIECE_CHARS = 256 * 1024

// Made beforehand: what is measured is the client.
const texts = Array.from({ length: PODS }, (_, index) => podText(index))

type Sink = Pick<ServerResponse | ServerHttp2Stream, 'write' | 'end' | 'once'>

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  void answer(url, response)
})
const server2 = createHttp2Server()
server2.on('stream', (stream, headers) => {
  stream.respond({ ':status': 200 })
  void answer(new URL(headers[':path'] ?? '/', 'http://localhost'), stream)
})
const ports = await Promise.all(
  [server, server2].map(async (one) => {
    one.listen(0, '127.0.0.1')
    await once(one, 'listening')
    return portOf(one.address())
  }),
)
process.send?.(ports)
process.on('disconnect', () => process.exit(0))

async function answer({ pathname, searchParams }: URL, sink: Sink): Promise<void> {
  const own = pathname === '/api/v1/pods' ? texts : []
  if (searchParams.get('watch') !== 'true') return list(own, searchParams, sink)
  if (searchParams.get('sendInitialEvents') !== 'true') return
  await writeAll(
    own.map((text) => () => `{"type":"ADDED","object":${text}}\n`),
    sink,
  )
  const metadata = `{"resourceVersion":"${VERSION}","annotations":{"k8s.io/initial-events-end":"true"}}`
  sink.write(`{"type":"BOOKMARK","object":{"kind":"Pod","metadata":${metadata}}}\n`)
}

async function list(own: readonly string[], query: URLSearchParams, sink: Sink): Promise<void> {
  const from = Number(query.get('continue') ?? 0)
  const limit = Number(query.get('limit') ?? own.length)
  const more = from + limit < own.length ? `,"continue":"${from + limit}"` : ''
  sink.write(`{"kind":"PodList","metadata":{"resourceVersion":"${VERSION}"${more}},"items":[`)
  const items = own.slice(from, from + limit)
  await writeAll(
    items.map((text, index) => () => (index > 0 ? `,${text}` : text)),
    sink,
  )
  sink.end(']}')
}

async function writeAll(parts: readonly (() => string)[], sink: Sink): Promise<void> {
  let piece = ''
  for (const part of parts) {
    piece += part()
    if (piece.length < PIECE_CHARS) continue
    if (!sink.write(piece)) await new Promise<void>((resolve) => void sink.once('drain', resolve))
    piece = ''
  }
  sink.write(piece)
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return address.port
}
