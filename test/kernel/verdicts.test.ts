import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { establish } from '../../src/dataplane/establish.ts'
import { inspect, readState } from '../../src/dataplane/inspect.ts'
import { PROGRAM } from './start-dataplane.ts'
import { rangesOf } from '../../src/dataplane/ranges.ts'
import { commit } from '../../src/nftables/commit.ts'
import type { Address } from '../../src/policy/address.ts'
import type { Cluster } from '../../src/policy/cluster.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { decide } from '../../src/policy/decide.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import type { Endpoint } from '../../src/policy/flow.ts'
import type { ClusterEvent } from '../../src/policy/model.ts'
import { CASES, clusterOfCase, flowOf } from '../policy/cases.ts'
import { cluster, flow } from '../policy/arbitraries.ts'
import type { Packet } from './tagged-packets.ts'
import { openRouter, type Router } from './router.ts'

/** Evaluator, compiler and real packets through the real program, over one list of cases and over chance. */
let router: Router
let dataplane: Dataplane

beforeAll(async () => {
  router = openRouter('verdicts')
  const chains = PROGRAM
  const parts = {
    commit: (transaction: Parameters<typeof commit>[1]) => commit(router.nftables, transaction),
    read: () => readState(router.nftables),
    gracePeriod: () => Promise.resolve(),
    yieldToOthers: () => Promise.resolve(),
  }
  const found = await inspect(router.nftables, chains)
  const nothing = {
    locals: new Map(),
    ranges: rangesOf([], []),
    hostPorts: [],
    chainedInterfaces: new Set<string>(),
  }
  const empty = { tables: new Compiler().tables(), ...nothing }
  dataplane = await establish(parts, chains, found, empty)
})

afterAll(() => router.close())

describe('packets get the verdict that the API text gives', () => {
  for (const one of CASES) {
    test(one.name, async () => {
      const all = clusterOfCase(one)
      const flows = one.flows.filter((each) => each[3] !== 'depends')
      const packets = flows.flatMap((each) => {
        const { from, to, protocol, port } = flowOf(each)
        return pairs(addressesOf(all, from), addressesOf(all, to)).map(([source, target]) => ({
          packet: packetOf(source, target, protocol, port),
          flow: each,
        }))
      })
      const crossing = packets.filter(({ packet }) => crossesForward(packet))
      await enforce(all)
      const arrived = await router.forwarded(crossing.map(({ packet }) => packet))
      for (const [index, { flow: each, packet }] of crossing.entries()) {
        const actual = arrived[index] === true ? 'allow' : 'deny'
        expect([...each, actual]).toEqual([...each, verdictOf(all, packet)])
      }
    })
  }
})

test('over random clusters, evaluator, compiler and packets agree', async () => {
  let packetsSent = 0
  await fc.assert(
    fc.asyncProperty(
      cluster,
      fc.array(flow, { minLength: 60, maxLength: 60 }),
      async (all, flows) => {
        const tables = await enforce(all)
        const packets = flows
          .flatMap(({ from, to, protocol, port }) =>
            from.kind === 'address' && to.kind === 'address'
              ? [packetOf(from.address, to.address, protocol, port)]
              : [],
          )
          .filter((packet) => crossesForward(packet))
        const arrived = await router.forwarded(packets)
        packetsSent += packets.length
        const actual = packets.map((_, index) => (arrived[index] === true ? 'allow' : 'deny'))
        expect(actual).toEqual(packets.map((packet) => verdictOf(all, packet)))
        const decided = packets.map((packet) =>
          decide(tables, 'egress', packet) === 'allow' ? decide(tables, 'ingress', packet) : 'deny',
        )
        expect(actual).toEqual(decided)
      },
    ),
    { numRuns: 150 },
  )
  expect(packetsSent).toBeGreaterThan(3000)
})

/** Has the kernel enforce this cluster as if all its pods were here. */
async function enforce(all: Cluster) {
  const compiler = new Compiler({
    firstClass: nextClass,
    portSetIds: dataplane.state.portSets,
  })
  nextClass += 10_000
  compiler.apply(eventsOf(all))
  await dataplane.reconcile(compiler.tables())
  return compiler.tables()
}
let nextClass = 1000

function eventsOf(all: Cluster): ClusterEvent[] {
  return [
    ...all.namespaces.values().map((namespace) => ({ kind: 'namespace', namespace }) as const),
    ...all.pods.values().map((pod) => ({ kind: 'pod', pod: { ...pod, local: true } }) as const),
    ...all.policies.values().map((policy) => ({ kind: 'policy', policy }) as const),
  ]
}

function verdictOf(all: Cluster, { from, to, protocol, port }: Packet): string {
  // No nodes: what a node sends its own pods does not pass here.
  const everyoneHere = {
    ...all,
    pods: new Map([...all.pods].map(([key, pod]) => [key, { ...pod, local: true }])),
    nodes: new Map(),
  }
  const ends = {
    from: { kind: 'address', address: from },
    to: { kind: 'address', address: to },
  } as const
  return evaluate(everyoneHere, { ...ends, protocol, ...(port !== undefined && { port }) }).verdict
}

function packetOf(
  from: Address,
  to: Address,
  protocol: Packet['protocol'],
  port: number | undefined,
): Packet {
  return { from, to, protocol, ...(port !== undefined && { port }) }
}

function addressesOf(all: Cluster, end: Endpoint): readonly Address[] {
  return end.kind === 'address' ? [end.address] : (all.pods.get(end.key)?.addresses ?? [])
}

function pairs(sources: readonly Address[], targets: readonly Address[]): [Address, Address][] {
  return sources.flatMap((source) =>
    targets
      .filter((target) => typeof target === typeof source)
      .map((target): [Address, Address] => [source, target]),
  )
}

/** Not what a pod sends itself, and not addresses that no router forwards. */
function crossesForward({ from, to }: Packet): boolean {
  return from !== to && [from, to].every((address) => !UNROUTABLE.has(String(address)))
}

/** 0.0.0.0, 255.255.255.255, :: and the last IPv6 address. */
const UNROUTABLE = new Set(['0', '4294967295', String((1n << 128n) - 1n)])
