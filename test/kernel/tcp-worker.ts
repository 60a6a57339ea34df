import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { enterNamespace } from '../../src/netlink/native.ts'
import { answerQuestions } from './answer-questions.ts'
import type { TcpAnswer, TcpEnd, TcpQuestion } from './tcp-messages.ts'

/** The thread of a `TcpPlace`. */
const netns: string = workerData
enterNamespace(netns)

const BEAT_MS = 5
const CONNECT_TIMEOUT_MS = 3000

const ends = new Map<Socket, TcpEnd>()

answerQuestions(answer)

async function answer(question: TcpQuestion): Promise<TcpAnswer> {
  switch (question.kind) {
    case 'listen': {
      const server = createServer({ noDelay: true }, (socket) => watch(socket, question.talks))
      server.listen({ host: question.address, port: question.port })
      await once(server, 'listening')
      return { kind: 'done' }
    }
    case 'connect': {
      const { from, to, port, talks } = question
      const socket = connect({ host: to, port, localAddress: from, noDelay: true })
      await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) }).catch(
        (error: unknown) => {
          socket.on('error', () => {}).destroy()
          throw error
        },
      )
      watch(socket, talks)
      return { kind: 'done' }
    }
    case 'say':
      for (const socket of ends.keys()) if (!socket.destroyed) socket.write('.')
      return { kind: 'done' }
    case 'ends':
      return { kind: 'ends', ends: [...ends.values()] }
  }
}

function watch(socket: Socket, talks: boolean): void {
  const update = (changes: Partial<TcpEnd>): void => {
    const before = ends.get(socket) ?? {
      remote: `${socket.remoteAddress} ${socket.remotePort}`,
      port: socket.localPort ?? 0,
      received: 0,
      lastReceivedAtMs: 0,
      end: undefined,
    }
    ends.set(socket, { ...before, ...changes })
  }
  update({})
  socket.on('data', (chunk) => {
    const received = (ends.get(socket)?.received ?? 0) + chunk.length
    update({ received, lastReceivedAtMs: Date.now() })
  })
  socket.on('error', (error) =>
    update({ end: 'code' in error ? String(error.code) : error.message }),
  )
  const beat = talks ? setInterval(() => socket.write('.'), BEAT_MS) : undefined
  socket.on('close', () => {
    clearInterval(beat)
    if (ends.get(socket)?.end === undefined) update({ end: 'closed' })
  })
}
