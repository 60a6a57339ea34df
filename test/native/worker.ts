import { readFileSync, readlinkSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { enterNamespace } from '../../src/netlink/native.ts'
import { getLink, openRoute, receiveMessages } from './raw-netlink.ts'

/** What a test wants this worker thread to do once it listens to the links of `netns`. */
export interface Task {
  readonly netns: string
  readonly ending: 'unref' | 'close' | 'exit' | 'throw' | 'stay' | 'exchange'
}

const { netns, ending }: Task = workerData

enterNamespace(netns)
const socket = openRoute({ listen: true })
socket.onReadable(() => {
  receiveMessages(socket)
  parentPort?.postMessage('heard')
  if (ending === 'close') socket.close()
  if (ending === 'exit') process.exit(3)
  if (ending === 'throw') throw new Error('thrown in a callback')
})
if (ending === 'unref') socket.unref()
if (ending === 'exchange') {
  for (let i = 0; i < 50; i++) void openRoute().exchange(getLink(0, i))
}
parentPort?.postMessage({
  namespace: readlinkSync('/proc/thread-self/ns/net'),
  forwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(),
})
