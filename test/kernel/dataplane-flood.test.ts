import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { commit } from '../../src/nftables/commit.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import type { ClusterEvent, NetworkPolicy } from '../../src/policy/model.ts'
import { address, port } from '../policy/literals.ts'
import { added, blockPeer, podOf, podsOf, policyOf, ruleOf, selectorOf } from '../policy/models.ts'
import { type Flow, type FloodedNode, openFloodedNode, type Tally } from './flood.ts'
import { OTHER_PROGRAM, PROGRAM, startDataplane } from './start-dataplane.ts'

/**
 * Some flows are allowed all the time and others denied all the time, whatever changes around them. Not one
 * packet may get the other verdict, wherever in the program a commit finds it.
 *
 * `MERGE_STEPS=1` commits each change as one transaction instead: most of these tests then fail, which shows
 * that they can.
 */
let node: FloodedNode

beforeAll(() => {
  node = openFloodedNode('changes')
})
afterAll(() => node.close())
afterEach(() => {
  const tables = new Transaction({ family: 'inet', table: 'sluice' })
  commit(node.socket, tables.addTable().deleteTable())
})

const MS = 1500
const udp = (first: number, last = first) =>
  ({ kind: 'range', protocol: 'UDP', first: port(first), last: port(last) }) as const

const SERVER = ['10.0.0.1', 'fd00::1']
const GOOD = ['10.0.0.2', 'fd00::2']
const BAD = ['10.0.0.3', 'fd00::3']
const OUTSIDE_GOOD = ['192.0.2.1', '2001:db8::1']
const OUTSIDE_BAD = ['192.0.2.200', '2001:db8::ff00']
const server = podOf('a/server', 'app=server', SERVER, { local: true })
const good = (labels: string) => podOf('a/good', labels, GOOD)
const bad = (labels: string) => podOf('a/bad', labels, BAD)
const ports = (...rules: NonNullable<NetworkPolicy['ingress']>) =>
  policyOf('a/ports', { podSelector: selectorOf('app=server'), ingress: rules })

const ALLOWED = flows('allowed', GOOD, SERVER, 80)
const DENIED = [...flows('denied', BAD, SERVER, 80), ...flows('denied', GOOD, SERVER, 95)]

interface Scenario {
  readonly name: string
  readonly flows: readonly Flow[]
  readonly first: readonly ClusterEvent[]
  /** What happens again and again, each by itself. */
  readonly cycle: readonly ClusterEvent[]
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'pods change class',
    flows: [...ALLOWED, ...DENIED],
    first: added(
      server,
      ports(ruleOf([podsOf('app=x')], [udp(80)]), ruleOf([podsOf('tier=y')], [udp(80), udp(1, 9)])),
    ),
    cycle: added(
      good('app=x'),
      bad('app=u'),
      good('tier=y'),
      bad('tier=u'),
      good('app=x,tier=y'),
      bad(''),
    ),
  },
  {
    name: 'a peer stays allowed by another rule',
    flows: [...ALLOWED, ...DENIED],
    first: added(
      server,
      good('app=x,tier=y'),
      bad('app=x'),
      podOf('a/third', 'app=x', ['10.0.0.4', 'fd00::4']),
    ),
    cycle: added(
      ports(ruleOf([podsOf('app=x,tier=y')], [udp(80)])),
      ports(ruleOf([podsOf('tier=y')], [udp(80)]), ruleOf([podsOf('app=x')], [udp(81)])),
      ports(ruleOf([podsOf('tier=y')], [udp(70, 80)])),
      ports(ruleOf([podsOf('tier=y'), podsOf('app=server')], [udp(80)])),
    ),
  },
  {
    name: 'port sets change, with ranges',
    flows: [...ALLOWED, ...DENIED],
    first: added(server, good('app=x'), bad('app=u')),
    cycle: added(
      ports(ruleOf([podsOf('app=x')], [udp(80)])),
      ports(ruleOf([podsOf('app=x')], [udp(70, 80), udp(1000, 2000)])),
      ports(ruleOf([podsOf('app=x')], [udp(80, 90)]), ruleOf([podsOf('app=u')], [udp(1, 79)])),
      ports(ruleOf([podsOf('app=x')], [udp(60, 94), udp(96, 65535)])),
    ),
  },
  {
    name: 'what everyone may changes with what some may',
    flows: [...ALLOWED, ...flows('denied', BAD, SERVER, 95), ...flows('denied', GOOD, SERVER, 95)],
    first: added(server, good('app=x'), bad('app=u')),
    cycle: added(
      ports(ruleOf([podsOf('app=x')], [udp(80)])),
      ports(ruleOf('everyone', [udp(70, 90)])),
      ports(ruleOf([podsOf('app=x')], [udp(1, 80)]), ruleOf('everyone', [udp(7)])),
      ports(ruleOf('everyone', [udp(80)]), ruleOf([podsOf('app=u')], [udp(81, 85)])),
    ),
  },
  {
    name: 'subjects become isolated and free',
    flows: [...ALLOWED, ...flows('denied', BAD, ['10.0.0.5', 'fd00::5'], 80)],
    first: added(
      server,
      podOf('a/good', 'app=x', GOOD, { local: true }),
      podOf('a/bad', 'app=u', BAD, { local: true }),
      podOf('a/vault', 'app=vault', ['10.0.0.5', 'fd00::5'], { local: true }),
      policyOf('a/vault', { podSelector: selectorOf('app=vault'), ingress: [] }),
    ),
    cycle: [
      ...added(ports(ruleOf([podsOf('app=x')], [udp(80)]))),
      ...added(policyOf('a/all', { egress: [ruleOf([podsOf('app=server')], [udp(80, 89)])] })),
      { kind: 'policyGone', key: 'a/ports' },
      ...added(
        policyOf('a/all', {
          ingress: [ruleOf([podsOf('app=x')], 'all')],
          podSelector: selectorOf('app=server'),
        }),
      ),
      { kind: 'policyGone', key: 'a/all' },
    ],
  },
  {
    name: 'blocks are cut anew',
    flows: [
      ...flows('allowed', OUTSIDE_GOOD, SERVER, 80),
      ...flows('denied', OUTSIDE_BAD, SERVER, 80),
      ...flows('denied', OUTSIDE_GOOD, SERVER, 95),
    ],
    first: added(server),
    cycle: added(
      ports(ruleOf([blockPeer('192.0.2.0/25'), blockPeer('2001:db8::/121')], [udp(80)])),
      ports(
        ruleOf(
          [
            blockPeer('192.0.2.0/24', '192.0.2.128/25'),
            blockPeer('2001:db8::/112', '2001:db8::f000/116'),
          ],
          [udp(80, 90)],
        ),
      ),
      ports(
        ruleOf([blockPeer('192.0.2.1/32'), blockPeer('2001:db8::1/128')], [udp(80)]),
        ruleOf([blockPeer('0.0.0.0/0'), blockPeer('::/0')], [udp(1, 79)]),
      ),
    ),
  },
]

describe('no packet gets a wrong verdict while', () => {
  for (const { name, flows: sent, first, cycle } of SCENARIOS) {
    test(name, async () => {
      const mergeSteps = process.env['MERGE_STEPS'] === '1'
      let send = (one: Transaction): void => commit(node.socket, one)
      const { compiler, dataplane } = await startDataplane(node.socket, {
        events: [...first, ...cycle.slice(0, -1)],
        commit: (one) => send(one),
        gracePeriod: node.outlivePackets,
      })
      let changes = 0
      const tally = await node.flood(sent, async () => {
        const end = performance.now() + MS
        for (let at = 0; performance.now() < end; at += 1) {
          for (const change of compiler.apply(cycle.slice(at % cycle.length).slice(0, 1))) {
            const merged = new Transaction({ family: 'inet', table: 'sluice' })
            if (mergeSteps) send = (one) => void merged.operations.push(...one.operations)
            await dataplane.apply(change)
            if (mergeSteps) commit(node.socket, merged)
            changes += 1
          }
        }
      })
      expectRight(name, changes, tally)
    })
  }
})

describe('no packet gets a wrong verdict while agent follows agent, each with other policies,', () => {
  const policies = [
    ports(ruleOf([podsOf('app=x')], [udp(80)])),
    // Its peer is told apart, and may what everyone may.
    ports(ruleOf('everyone', [udp(70, 80)]), ruleOf([podsOf('app=x')], [udp(75)])),
    ports(
      ruleOf([podsOf('tier=y')], [udp(80, 90)]),
      ruleOf([blockPeer('10.0.0.0/8')], [udp(1, 79)]),
    ),
    ports(
      ruleOf([blockPeer('10.0.0.2/31', '10.0.0.3/32'), blockPeer('fd00::2/128')], [udp(60, 94)]),
    ),
  ]
  const sent = [
    ...ALLOWED,
    ...flows('denied', GOOD, SERVER, 95),
    ...flows('denied', BAD, SERVER, 95),
  ]
  const programs = { 'the same program': [PROGRAM], 'another program': [PROGRAM, OTHER_PROGRAM] }
  for (const [name, versions] of Object.entries(programs)) {
    test(`with ${name}`, async () => {
      const events = (at: number) => [
        ...added(server, good('app=x,tier=y'), bad('app=x')),
        ...added(...policies.slice(at % policies.length).slice(0, 1)),
      ]
      await startDataplane(node.socket, { events: events(0) })
      let starts = 0
      const tally = await node.flood(sent, async () => {
        const end = performance.now() + 2 * MS
        for (let at = 1; performance.now() < end; at += 1) {
          const chains = versions[at % versions.length] ?? PROGRAM
          const { outlivePackets: gracePeriod } = node
          await startDataplane(node.socket, { events: events(at), chains, gracePeriod })
          starts += 1
        }
      })
      expectRight(name, starts, tally)
    })
  }
})

function expectRight(name: string, changes: number, { packetsPerSecond, allowed, denied }: Tally) {
  const lost = allowed.met - allowed.passed
  console.log(
    `flood, ${name}: ${changes} changes, ${allowed.met} allowed packets of which ${lost} were lost, ` +
      `${denied.met} denied of which ${denied.passed} passed, ${packetsPerSecond} packets/s`,
  )
  expect(changes).toBeGreaterThan(20)
  expect(allowed.met).toBeGreaterThan(1000n)
  expect(denied.met).toBeGreaterThan(1000n)
  expect({ lost, leaked: denied.passed }).toEqual({ lost: 0n, leaked: 0n })
}

/** Between each address and the one of its family. */
function flows(
  verdict: Flow['verdict'],
  from: readonly string[],
  to: readonly string[],
  number: number,
): Flow[] {
  return from.map((text, index) => ({
    from: address(text),
    to: address(to[index] ?? ''),
    port: number,
    verdict,
  }))
}
