import { setImmediate } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { Address } from '../../src/policy/address.ts'
import { openDatagrams } from '../../test/kernel/datagrams.ts'
import { monotonicMs } from '../enforcement/monotonic.ts'
import { FLOODED_PORT, type FlooderData, REMEMBERED, SEQUENCE_BYTES } from './flooder.ts'

/** The thread of a `Flooder`. */
const { netns, own, port, counts, times }: FlooderData = workerData
/** Between bursts of one packet a family; others need the processors, too. */
const PAUSE_MS = 0.1

const sockets = own.map((address) => openDatagrams(netns, { address, port }))
const sent = new Uint32Array(counts)
const sentAt = new Float64Array(times)
const sleeping = new Int32Array(new SharedArrayBuffer(4))
const payload = Buffer.alloc(SEQUENCE_BYTES)
let target: readonly Address[] = []
parentPort?.on('message', (next: readonly Address[]) => {
  target = next
})

for (;;) {
  for (const [family, address] of target.entries()) send(family, address)
  Atomics.wait(sleeping, 0, 0, PAUSE_MS)
  await setImmediate()
}

function send(family: number, address: Address): void {
  const number = sent[family] ?? 0
  payload.writeUInt32LE(number)
  const atMs = monotonicMs()
  try {
    sockets[family]?.send({ address, port: FLOODED_PORT }, payload)
  } catch {
    // It did not go out: its queue is full, or an error of an earlier packet is told.
    return
  }
  sentAt[family * REMEMBERED + (number % REMEMBERED)] = atMs
  Atomics.store(sent, family, number + 1)
}
