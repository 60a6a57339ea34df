import { formatAddress } from '../policy/address.ts'
import { inParallel } from './in-parallel.ts'
import { type Expectation, resultOf } from './judge.ts'
import type { Place } from './place.ts'
import type { Knock, Outcome, Service } from './place-messages.ts'
import type { ProbePacket, ProbeResult } from './probe.ts'

export interface ProbeRun {
  readonly results: readonly ProbeResult[]
  /** Packets that were sent once more because the first try did not find what was expected. */
  readonly repeated: number
}

/** A packet in flight costs little, but many answers at one moment make late ones look lost. */
const IN_FLIGHT = 500
/** What is denied is dropped silently. Above a second, so that a lost SYN is repeated by the kernel. */
const TIMEOUT_MS = 1200
/** For the second try, one after the other: slow is not denied. */
const REPEAT_TIMEOUT_MS = 3000

/**
 * Sends all packets and compares what they find with what they should find. One that finds something else is
 * sent once more, alone: on a loaded machine an answer may come late.
 */
export async function runProbes(
  packets: readonly ProbePacket[],
  places: ReadonlyMap<string, Place>,
  judge: (packet: ProbePacket) => Expectation,
): Promise<ProbeRun> {
  const judged = packets.map((packet) => ({ packet, expectation: judge(packet) }))
  await listenForAll(packets, places)
  const first = await inParallel(judged, IN_FLIGHT, async ({ packet, expectation }) =>
    resultOf(packet, expectation, await send(packet, places, TIMEOUT_MS)),
  )
  let repeated = 0
  const results: ProbeResult[] = []
  for (const [index, result] of first.entries()) {
    const again = result.agreed ? undefined : judged[index]
    if (again === undefined) {
      results.push(result)
      continue
    }
    repeated++
    const outcome = await send(again.packet, places, REPEAT_TIMEOUT_MS)
    results.push(resultOf(again.packet, again.expectation, outcome))
  }
  return { results, repeated }
}

/**
 * Ports that nobody declares are listened at too when a probe names them: so an answer means that the packet
 * arrived, and silence or a refusal that it did not.
 */
async function listenForAll(
  packets: readonly ProbePacket[],
  places: ReadonlyMap<string, Place>,
): Promise<void> {
  const byPlace = Map.groupBy(packets, ({ destination }) => destination.place)
  await Promise.all(
    [...byPlace].map(async ([name, group]) => places.get(name)?.listen(group.flatMap(serviceOf))),
  )
}

function serviceOf({ protocol, port, destination }: ProbePacket): Service[] {
  if (protocol === 'ICMP' || port === undefined) return []
  return [{ protocol, port, address: formatAddress(destination.address) }]
}

async function send(
  packet: ProbePacket,
  places: ReadonlyMap<string, Place>,
  timeoutMs: number,
): Promise<Outcome> {
  const place = places.get(packet.source.place)
  if (place === undefined) throw new Error(`The lab has no place ${packet.source.place}.`)
  return place.knock(knockOf(packet, timeoutMs))
}

/** The packet as its place is asked to send it. */
export function knockOf(packet: ProbePacket, timeoutMs: number): Knock {
  const { protocol, port, source, destination } = packet
  const from = formatAddress(source.address)
  return { protocol, port, from, to: formatAddress(destination.address), timeoutMs }
}
