import { parentPort, workerData } from 'node:worker_threads'
import { openDatagrams, type Port } from '../../test/kernel/datagrams.ts'

/** What the thread is started with. It sends ten thousand datagrams a second until it is told anything. */
export interface FloodOrder {
  readonly netns: string
  readonly from: Port
  readonly to: Port
}

const PER_MS = 10
const { netns, from, to }: FloodOrder = workerData
const socket = openDatagrams(netns, from)
const beat = setInterval(() => socket.sendMany(to, PER_MS), 1)

parentPort?.once('message', () => {
  clearInterval(beat)
  socket.close()
})
