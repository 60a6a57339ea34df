import { createSocket, type Socket as Datagrams } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { workerData } from 'node:worker_threads'
import { enterNamespace } from '../../src/netlink/native.ts'
import { answerQuestions } from '../../test/kernel/answer-questions.ts'
import { monotonicMs } from '../enforcement/monotonic.ts'
import {
  type Received,
  type TalkerAnswer,
  type TalkerQuestion,
  TCP_PORT,
  UDP_PORT,
} from './talker-messages.ts'

/** The thread of a `Talker`. */
const netns: string = workerData
enterNamespace(netns)

const BEAT_MS = 1
const CONNECT_TIMEOUT_MS = 3000
const NOTHING: Received = { count: 0, lastAtMs: 0 }

let tcp = NOTHING
let udp = NOTHING
let tcpEnd: string | undefined
/** Ends what the last `open` began, or what came of it here. */
let endings: (() => void)[] = []

answerQuestions(answer)

async function answer(question: TalkerQuestion): Promise<TalkerAnswer> {
  switch (question.kind) {
    case 'serve':
      await serve()
      return { kind: 'done' }
    case 'open':
      await open(question.from, question.to)
      return { kind: 'done' }
    case 'report':
      return { kind: 'report', tcp, udp, tcpEnd }
    case 'end':
      for (const end of endings.splice(0)) end()
      tcp = NOTHING
      udp = NOTHING
      tcpEnd = undefined
      return { kind: 'done' }
  }
}

async function serve(): Promise<void> {
  const server = createServer({ noDelay: true }, converse)
  server.listen({ host: '::', port: TCP_PORT })
  await once(server, 'listening')
  for (const type of ['udp4', 'udp6'] as const) {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' })
    let peer: { readonly address: string; readonly port: number } | undefined
    hear(socket)
    socket.on('message', (_, from) => {
      if (peer !== undefined) return
      // On its own, not in answer: this is how a flow that is no longer allowed could come to life again.
      peer = from
      const beat = setInterval(() => socket.send('.', from.port, from.address), BEAT_MS)
      endings.push(() => {
        clearInterval(beat)
        peer = undefined
      })
    })
    socket.bind(UDP_PORT)
    await once(socket, 'listening')
  }
}

async function open(from: string, to: string): Promise<void> {
  const connection = connect({ host: to, port: TCP_PORT, localAddress: from, noDelay: true })
  await once(connection, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) })
  converse(connection)
  const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4')
  hear(socket)
  socket.bind({ address: from })
  await once(socket, 'listening')
  const beat = setInterval(() => socket.send('.', UDP_PORT, to), BEAT_MS)
  endings.push(() => {
    clearInterval(beat)
    socket.close()
  })
}

function converse(connection: Socket): void {
  connection.on('data', ({ length }) => {
    tcp = { count: tcp.count + length, lastAtMs: monotonicMs() }
  })
  const beat = setInterval(() => connection.write('.'), BEAT_MS)
  connection.on('error', (error) => {
    tcpEnd = 'code' in error ? String(error.code) : error.message
  })
  connection.on('close', () => {
    clearInterval(beat)
    tcpEnd ??= 'closed'
  })
  endings.push(() => connection.destroy())
}

function hear(socket: Datagrams): void {
  socket.on('error', () => {})
  socket.on('message', () => {
    udp = { count: udp.count + 1, lastAtMs: monotonicMs() }
  })
}
