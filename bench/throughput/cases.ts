import type { Family } from '../../src/policy/address.ts'
import { PATHS, type PathName } from './contender.ts'
import { transfer } from './iperf.ts'
import type { PodEnd } from './pod-end.ts'
import type { Requests } from './requests.ts'

/** Something that is sent, on one path. */
export interface Case {
  readonly kind: keyof typeof STATISTICS
  readonly name: string
  readonly path: PathName
  readonly inQuick: boolean
  /** Contenders that are not asked. */
  readonly without?: readonly string[]
  readonly take: (from: PodEnd, to: PodEnd, requests: Requests) => Promise<readonly number[]>
}

/** What is told of the samples of a case. */
export const STATISTICS = {
  throughput: [{ statistic: '', unit: 'Mbit/s', share: 0.5 }],
  latency: [
    { statistic: ', p50', unit: 'µs', share: 0.5 },
    { statistic: ', p99', unit: 'µs', share: 0.99 },
  ],
} as const

const FAMILIES: readonly Family[] = [4, 6]
const PROTOCOLS = ['TCP', 'UDP'] as const
const STREAMS = [1, 8]
/** A quarter of a second or so: many short turns tell more than a few long ones where others use the machine. */
const MEGABYTES = { TCP: 400, UDP: 60 } as const
const EXCHANGES = 3000

/** Every case; figures are named for them. */
export const CASES: readonly Case[] = PATHS.flatMap((path) => [
  ...PROTOCOLS.flatMap((protocol) =>
    FAMILIES.flatMap((family) =>
      STREAMS.map((streams) => transferCase(path, protocol, family, streams)),
    ),
  ),
  ...FAMILIES.map((family) => requestCase(path, family)),
])

function transferCase(
  path: PathName,
  protocol: 'TCP' | 'UDP',
  family: Family,
  streams: number,
): Case {
  const what = { protocol, family, streams, megabytes: MEGABYTES[protocol] }
  return {
    kind: 'throughput',
    name: `Throughput ${path}, ${protocol}, IPv${family}, ${streams} ${streams === 1 ? 'stream' : 'streams'}`,
    path,
    inQuick: streams === 1 && (protocol === 'TCP' || family === 4),
    // It explains where a packet's time goes; a stream tells that as well as eight do.
    ...(streams > 1 && { without: ['tracking only'] }),
    take: async (from, to) => [await transfer(from, to, what)],
  }
}

function requestCase(path: PathName, family: Family): Case {
  return {
    kind: 'latency',
    name: `Request and answer ${path}, IPv${family}`,
    path,
    inQuick: true,
    take: (from, to, requests) => requests.ask(from, to, family, EXCHANGES),
  }
}
