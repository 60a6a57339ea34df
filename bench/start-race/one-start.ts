import { setTimeout as delay } from 'node:timers/promises'
import { IPPROTO_UDP, protocolOf, watchFrames } from '../../test/kernel/frames.ts'
import { until } from '../../test/kernel/until.ts'
import type { EnforcingNode } from '../enforcement/enforcing-node.ts'
import type { PodPlan, StartOrder } from '../enforcement/node-messages.ts'
import { FLOODED_PORT, type Flooder } from './flooder.ts'

/** The two that flood a pod's addresses since before it had them. */
export interface Flooders {
  /** The pod's policy lets nobody else in. */
  readonly friend: Flooder
  readonly stranger: Flooder
}

export const FRIEND_PORT = 6001
export const STRANGER_PORT = 6002

/** Packets of one start. */
export interface StartOutcome {
  /** The stranger's that came to the pod. */
  readonly leaked: number
  /** The friend's that were sent after the link was up, and never came. */
  readonly lost: number
  /** The friend's that were sent after the link was up. */
  readonly owed: number
}

/** So many packets a family go to nobody before the pod starts, and as many to the pod once it is there. */
const PACKETS = 20
/** For packets on their way: from one namespace to another it takes microseconds. */
const ARRIVAL_MS = 3

/** Starts a pod under the flood of both, and counts what comes to its end of the link, in both families. */
export async function oneStart(
  node: EnforcingNode,
  pod: PodPlan,
  order: StartOrder,
  { friend, stranger }: Flooders,
): Promise<StartOutcome> {
  const seen = watchFrames(pod.netns)
  try {
    for (const one of [friend, stranger]) one.aim(pod.addresses)
    await moreFrom([friend, stranger])
    const upAtMs = await node.start(pod, order)
    await moreFrom([friend, stranger])
    const ends = friend.sent()
    await delay(ARRIVAL_MS)
    const packets = seen.packets().flatMap(datagramOf)
    const arrived = packets.filter(({ sport }) => sport === FRIEND_PORT)
    const owed = ends.map((end, family) => friend.sentSince(family, upAtMs, end))
    const lost = owed.map((numbers, family) => {
      const there = new Set(
        arrived.filter((one) => one.family === family).map(({ number }) => number),
      )
      return numbers.filter((number) => !there.has(number)).length
    })
    return {
      leaked: packets.filter(({ sport }) => sport === STRANGER_PORT).length,
      lost: sum(lost),
      owed: sum(owed.map(({ length }) => length)),
    }
  } finally {
    seen.close()
  }
}

async function moreFrom(flooders: readonly Flooder[]): Promise<void> {
  const before = flooders.map((flooder) => flooder.sent())
  await until('the flood goes on', () =>
    flooders.every((flooder, place) =>
      flooder.sent().every((count, family) => count >= (before[place]?.[family] ?? 0) + PACKETS),
    ),
  )
}

interface Datagram {
  /** 0 for IPv4, 1 for IPv6. */
  readonly family: number
  readonly sport: number
  readonly number: number
}

/** A packet of the flood; nothing of others. */
function datagramOf(packet: Buffer): Datagram[] {
  if (protocolOf(packet) !== IPPROTO_UDP) return []
  const isIp4 = packet.readUInt8(0) >> 4 === 4
  const udp = packet.subarray(isIp4 ? 20 : 40)
  if (udp.readUInt16BE(2) !== FLOODED_PORT) return []
  return [{ family: isIp4 ? 0 : 1, sport: udp.readUInt16BE(0), number: udp.readUInt32LE(8) }]
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
