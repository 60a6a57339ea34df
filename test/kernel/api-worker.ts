import { parentPort, workerData } from 'node:worker_threads'
import { enterNamespace } from '../../src/netlink/native.ts'
import { ApiServer } from '../cluster/kubernetes/api-server.ts'
import type { ApiChange, ApiPlaceOptions } from './api-place.ts'

/** The thread of an `ApiPlace`. */
const { netns, host }: ApiPlaceOptions = workerData
enterNamespace(netns)

const server = new ApiServer({ host })
await server.start()
parentPort?.on('message', (change: ApiChange) => {
  if (change.kind === 'put') server.store.put(change.path, change.object)
  else server.store.delete(change.path, undefined, change.name)
})
parentPort?.postMessage(server.url.href)
