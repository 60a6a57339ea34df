import { parentPort, workerData } from 'node:worker_threads'
import { openSocket } from '../../src/netlink/native.ts'
import type { FloodData } from './flood.ts'

/** Sends all frames again and again until it is told to stop, then ends. */
const { netns, link, frames, stop }: FloodData = workerData
const AF_PACKET = 17
const SOCK_RAW = 3
/** Copies of one frame in a row: a change is met by all flows within some hundred microseconds. */
const BURST = 16

const socket = openSocket({
  domain: AF_PACKET,
  type: SOCK_RAW,
  protocol: 0,
  netns,
  bind: sockaddr(),
})
const isStopped = new Int32Array(stop)
parentPort?.postMessage('started')
while (Atomics.load(isStopped, 0) === 0) {
  for (const frame of frames) socket.sendMany(frame, undefined, BURST)
}
socket.close()

/** struct sockaddr_ll (linux/if_packet.h): no protocol, since nothing is received. */
function sockaddr(): Uint8Array {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt16LE(AF_PACKET, 0)
  bytes.writeInt32LE(link, 4)
  return bytes
}
