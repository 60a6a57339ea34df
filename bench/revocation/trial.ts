import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../test/kernel/until.ts'
import { monotonicMs } from '../enforcement/monotonic.ts'
import type { Talker } from './talker.ts'

/** A server and a client on one node, whose policy can let the client in and keep it out. */
export interface Scene {
  readonly server: Talker
  readonly client: Talker
  /** Of one family each, in words. */
  readonly ends: readonly { readonly from: string; readonly to: string }[]
  /** Resolves when it is in force. */
  readonly allow: () => Promise<void>
  /** Resolves to the moment of the change, in milliseconds of the monotonic clock. */
  readonly revoke: () => Promise<number>
}

/** From the change to the last byte that any end received, in milliseconds. */
export interface LastBytes {
  readonly tcp: number
  readonly udp: number
}

/** On each connection in each direction, before the change. */
const FLOWING = 5
/** Both ends go on sending so long in vain, which is longer than the second look at connections is away. */
const SILENCE_MS = 120
const CUT_WITHIN_MS = 3000
/** Until the agent has looked twice at the connections of the change that allows, so that no trial waits for that. */
const REST_MS = 150

/**
 * Withdraws the allowance of a connection and of a flow while both ends of both are sending.
 *
 * @throws Error when something still arrives seconds later, or when the connection is not ended at both ends
 */
export async function trial(scene: Scene, number: number): Promise<LastBytes> {
  const { server, client, ends, allow, revoke } = scene
  const end = ends[number % ends.length]
  if (end === undefined) throw new Error('A trial needs addresses.')
  await allow()
  const rested = delay(REST_MS)
  await client.open(end.from, end.to)
  const reports = () => Promise.all([server.report(), client.report()])
  await until('data flows both ways', async () =>
    (await reports()).every(({ tcp, udp }) => tcp.count >= FLOWING && udp.count >= FLOWING),
  )
  await rested
  const changedAtMs = await revoke()
  for (;;) {
    const all = await reports()
    const lastAtMs = Math.max(...all.flatMap(({ tcp, udp }) => [tcp.lastAtMs, udp.lastAtMs]))
    const nowMs = monotonicMs()
    const areReset = all.every(({ tcpEnd }) => tcpEnd === 'ECONNRESET')
    if (areReset && nowMs - lastAtMs >= SILENCE_MS && nowMs - changedAtMs >= SILENCE_MS) {
      await Promise.all([server.end(), client.end()])
      return {
        tcp: since(changedAtMs, ...all.map(({ tcp }) => tcp.lastAtMs)),
        udp: since(changedAtMs, ...all.map(({ udp }) => udp.lastAtMs)),
      }
    }
    if (nowMs - changedAtMs > CUT_WITHIN_MS) {
      throw new Error(`WRONG VERDICT: not cut ${CUT_WITHIN_MS} ms later: ${JSON.stringify(all)}`)
    }
    await delay(10)
  }
}

/** The last byte may have come before the change itself, within the beat of the senders. */
function since(changedAtMs: number, ...times: readonly number[]): number {
  return Math.max(0, Math.max(...times) - changedAtMs)
}
