/**
 * An API server that has nothing but pods: as many as its argument says. Run by bench/kubernetes-source.ts, which
 * it tells its ports.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { answerWith } from './answer-with.ts'
import { podText } from './pod-text.ts'

const PODS = Number(process.argv[2])

// Made beforehand: what is measured is the client.
const texts = Array.from({ length: PODS }, (_, index) => podText(index))

const answer = answerWith(new Map([['/api/v1/pods', texts]]))

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

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return address.port
}
