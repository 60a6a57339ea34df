import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'

type Sink = Pick<ServerResponse | ServerHttp2Stream, 'write' | 'end' | 'once'>

const VERSION = '9999999'
const PIECE_CHARS = 256 * 1024

/**
 * An API server's answers to lists and to watches that begin with what there is. Nothing ever changes.
 *
 * @param objects texts by the path of their kind
 */
export function answerWith(
  objects: ReadonlyMap<string, readonly string[]>,
): (url: URL, sink: Sink) => Promise<void> {
  return async ({ pathname, searchParams }, sink) => {
    const own = objects.get(pathname) ?? []
    if (searchParams.get('watch') !== 'true') return list(own, searchParams, sink)
    if (searchParams.get('sendInitialEvents') !== 'true') return
    await writeAll(
      own.map((text) => () => `{"type":"ADDED","object":${text}}\n`),
      sink,
    )
    const metadata = `{"resourceVersion":"${VERSION}","annotations":{"k8s.io/initial-events-end":"true"}}`
    sink.write(`{"type":"BOOKMARK","object":{"kind":"Pod","metadata":${metadata}}}\n`)
  }
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
