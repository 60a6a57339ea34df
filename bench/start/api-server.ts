/**
 * An API server with a whole cluster in a network namespace: `api-server.ts NETNS PODS POLICIES`. Tells its URL.
 * Run by agent-memory.ts.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { enterNamespace } from '../../src/netlink/native.ts'
import { answerWith } from '../kubernetes-source/answer-with.ts'
import { clusterTexts } from './cluster-texts.ts'
import { sizeFromArguments } from './size-arguments.ts'

const [, , netns = ''] = process.argv
enterNamespace(netns)
const answer = answerWith(clusterTexts(sizeFromArguments(1)))
const server = createServer((request, response) => {
  // A watch is open before anything happens in it.
  response.flushHeaders()
  void answer(new URL(request.url ?? '/', 'http://localhost'), response)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const address = server.address()
if (address === null || typeof address === 'string') throw new Error('The server has no port.')
process.send?.(`http://127.0.0.1:${address.port}`)
process.on('disconnect', () => process.exit(0))
