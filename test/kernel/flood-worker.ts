import { parentPort, workerData } from 'node:worker_threads'
import { openSocket } from '../../src/netlink/native.ts'
import { BURSTS, type FloodData, STOP } from './flood.ts'

/** Sends all frames again and again until it is told to stop, then ends. */
const { netns, link, frames, shared: buffer }: FloodData = workerData
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
const shared = new Int32Array(buffer)
parentPort?.postMessage('started')
while (Atomics.load(shared, STOP) === 0) {
  for (const frame of frames) {
    socket.sendMany(frame, undefined, BURST)
    Atomics.add(shared, BURSTS, 1)
  }
}
socket.close()

/** struct sockaddr_ll (linux/if_packet.h): no protocol, since nothing is received. */
function sockaddr(): Uint8Array {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt16LE(AF_PACKET, 0)
  bytes.writeInt32LE(link, 4)
  return bytes
}
