import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { type Address, ip4, ip6 } from '../../src/policy/address.ts'
import type { Direction, Protocol } from '../../src/policy/model.ts'
import type { PortRange, PortSet } from '../../src/policy/ports.ts'
import { type ClassId, type PortSetId, type Tables, WORLD } from '../../src/policy/tables.ts'
import { address, port } from '../policy/literals.ts'
import { EMPTY } from '../policy/tables.ts'
import { openRouter, type Router } from './router.ts'
import { startDataplane } from './start-dataplane.ts'
import type { Packet } from './tagged-packets.ts'

/** What the program makes of each kind of port set, also of those that no compiler writes yet. */
let router: Router
let dataplane: Dataplane

beforeAll(async () => {
  router = openRouter('ports')
  router.run(['nft', STAINS])
  dataplane = (await startDataplane(router.nftables, { events: [] })).dataplane
})
afterAll(() => router.close())

/** Packets that leave with a priority of ours, none of the first 16, which a queueing discipline would take for a class of its own. */
const STAINS = `
  add table inet stains
  add counter inet stains stained
  add chain inet stains behind { type filter hook forward priority 10; }
  add rule inet stains behind meta priority > 0:f counter name stained
`.replaceAll('\n', ';')

const PROBES = [
  ['TCP', 79],
  ['TCP', 80],
  ['TCP', 90],
  ['TCP', 91],
  ['UDP', 80],
  ['UDP', 65535],
  ['SCTP', 1],
  ['SCTP', 5000],
  ['SCTP', 5010],
  ['SCTP', 5011],
  ['ICMP', undefined],
] as const satisfies readonly (readonly [Packet['protocol'], number | undefined])[]

const range = (protocol: Protocol, first: number, last = first): PortRange => ({
  protocol,
  first: port(first),
  last: port(last),
})
type Content = Omit<PortSet, 'kind'>
const NOTHING: Content = { all: false, protocols: [], ranges: [] }

/** What each content names, as an allow-list; a deny-list allows the rest. */
const CONTENTS: readonly (readonly [name: string, content: Content, names: string])[] = [
  ['nothing', NOTHING, ''],
  [
    'everything',
    { ...NOTHING, all: true },
    'TCP79 TCP80 TCP90 TCP91 UDP80 UDP65535 SCTP1 SCTP5000 SCTP5010 SCTP5011 ICMP',
  ],
  ['one port', { ...NOTHING, ranges: [range('TCP', 80)] }, 'TCP80'],
  ['the last port', { ...NOTHING, ranges: [range('UDP', 65535)] }, 'UDP65535'],
  ['one protocol', { ...NOTHING, protocols: ['UDP'] }, 'UDP80 UDP65535'],
  ['SCTP', { ...NOTHING, protocols: ['SCTP'] }, 'SCTP1 SCTP5000 SCTP5010 SCTP5011'],
  ['a range', { ...NOTHING, ranges: [range('TCP', 80, 90)] }, 'TCP80 TCP90'],
  ['SCTP ports', { ...NOTHING, ranges: [range('SCTP', 5000, 5010)] }, 'SCTP5000 SCTP5010'],
  [
    'all kinds together',
    {
      all: false,
      protocols: ['UDP'],
      ranges: [range('SCTP', 1), range('TCP', 1, 79), range('TCP', 91)],
    },
    'TCP79 TCP91 UDP80 UDP65535 SCTP1',
  ],
]

/** The subject and its peers, which reach it by their own class, by that of their block, and by none. */
const SUBJECT = { 4: address('10.0.0.1'), 6: address('fd00::1') }
const PEERS = {
  pod: { 4: address('10.0.0.2'), 6: address('fd00::2') },
  block: { 4: address('192.0.2.7'), 6: address('2001:db8::7') },
  world: { 4: address('198.51.100.1'), 6: address('2001:db8:1::1') },
}
const POD = 100 as ClassId
const BLOCK = 101 as ClassId
const FIRST = { allow: 0x8000_0100, deny: 0xc000_0100 }
const ALLOW_ALL = 0x8000_0010 as PortSetId
const ALLOW_NOTHING = 0x8000_0011 as PortSetId

/** The port set where `peer` finds it, and its opposite everywhere else. */
function tablesWith(
  direction: Direction,
  peer: keyof typeof PEERS,
  id: PortSetId,
  content: PortSet,
): Tables {
  const opposite = content.kind === 'allow' && !content.all ? ALLOW_ALL : ALLOW_NOTHING
  const rowOf = { pod: POD, block: BLOCK, world: WORLD }[peer]
  const everyone = [POD, BLOCK, WORLD].filter((each) => each !== rowOf)
  const verdicts = [
    { default: opposite, rows: new Map([[rowOf, id]]) },
    { default: id, rows: new Map(everyone.map((each) => [each, opposite])) },
  ] as const
  return {
    portSets: new Map([
      [id, content],
      [ALLOW_ALL, { ...NOTHING, kind: 'allow', all: true }],
      [ALLOW_NOTHING, { ...NOTHING, kind: 'allow' }],
    ]),
    podClasses: new Map([
      [PEERS.pod[4], POD],
      [PEERS.pod[6], POD],
    ]),
    blockClasses: {
      4: [{ first: ip4(0xc000_0200), last: ip4(0xc000_02ff), class: BLOCK }],
      6: [
        { first: ip6(0x2001_0db8n << 96n), last: ip6((0x2001_0db8n << 96n) + 0xffn), class: BLOCK },
      ],
    },
    subjects: {
      ...EMPTY.subjects,
      // One family finds the port set by a row, the other by default.
      [direction]: new Map([
        [SUBJECT[4], verdicts[0]],
        [SUBJECT[6], verdicts[1]],
      ]),
    },
  }
}

describe('each kind of port set, by row and by default, from pod, block and world', () => {
  for (const kind of ['allow', 'deny'] as const) {
    CONTENTS.forEach(([name, content, names], index) => {
      test(`${kind} ${name}`, async () => {
        const named = new Set(names.split(' '))
        const expected = PROBES.map(([protocol, number]) => {
          return named.has(`${protocol}${number ?? ''}`) === (kind === 'allow')
        })
        const id = (FIRST[kind] + index) as PortSetId
        for (const direction of ['ingress', 'egress'] as const) {
          for (const peer of ['pod', 'block', 'world'] as const) {
            await dataplane.reconcile(tablesWith(direction, peer, id, { ...content, kind }))
            for (const family of [4, 6] as const) {
              const ends = [PEERS[peer][family], SUBJECT[family]] as const
              const packets = probesBetween(direction === 'ingress' ? ends : ends.toReversed())
              const passed = await router.forwarded(packets)
              expect({ direction, peer, family, passed }).toMatchObject({ passed: expected })
            }
          }
        }
      })
    })
  }
})

describe('without', () => {
  const MISSES = [
    ['a default', 'delete element inet sluice in_default4 { 10.0.0.1 }', false],
    ['the content of the port set', 'flush set inet sluice ports_all', false],
    ['the pod among those under policy', 'delete element inet sluice in_pods4 { 10.0.0.1 }', true],
  ] as const
  for (const [what, command, passes] of MISSES) {
    test(`${what}, packets are ${passes ? 'free' : 'denied'}`, async () => {
      const id = 0x8000_0200 as PortSetId
      await dataplane.reconcile(tablesWith('ingress', 'pod', id, { ...NOTHING, kind: 'allow' }))
      const packets = probesBetween([PEERS.block[4], SUBJECT[4]])
      try {
        expect(await router.forwarded(packets)).toEqual(packets.map(() => true))
        router.run(['nft', command])
        expect(await router.forwarded(packets)).toEqual(packets.map(() => passes))
      } finally {
        // As the agent believes it to be.
        router.run(['nft', 'delete table inet sluice'])
        dataplane = (await startDataplane(router.nftables, { events: [] })).dataplane
      }
    })
  }
})

describe('both directions are asked', () => {
  const sets = { allow: ALLOW_ALL, deny: ALLOW_NOTHING }
  for (const [egress, ingress] of [
    ['allow', 'allow'],
    ['allow', 'deny'],
    ['deny', 'allow'],
  ] as const) {
    test(`egress ${egress}, ingress ${ingress}`, async () => {
      const base = tablesWith('ingress', 'pod', ALLOW_ALL, { ...NOTHING, kind: 'allow', all: true })
      const only = (address_: Address, id: PortSetId) =>
        new Map([[address_, { default: id, rows: new Map() }]])
      const subjects = {
        egress: only(PEERS.pod[4], sets[egress]),
        ingress: only(SUBJECT[4], sets[ingress]),
      }
      await dataplane.reconcile({ ...base, subjects })
      const packets = probesBetween([PEERS.pod[4], SUBJECT[4]])
      const passes = egress === 'allow' && ingress === 'allow'
      expect(await router.forwarded(packets)).toEqual(packets.map(() => passes))
    })
  }
})

test('no packet left with a class or port set in its priority', () => {
  expect(router.run(['nft', 'list', 'counter', 'inet', 'stains', 'stained'])).toContain('packets 0')
})

test('a refused packet is counted once, in its direction', async () => {
  const base = tablesWith('egress', 'pod', ALLOW_NOTHING, { ...NOTHING, kind: 'allow' })
  await dataplane.reconcile(base)
  const denied = (): number[] =>
    ['denied_egress', 'denied_ingress'].map((name) => {
      const text = router.run(['nft', 'list', 'counter', 'inet', 'sluice', name])
      return Number(/packets (\d+)/u.exec(text)?.[1])
    })
  const [egress = 0, ingress = 0] = denied()
  const packets = probesBetween([SUBJECT[4], PEERS.pod[4]])
  await router.forwarded(packets)
  expect(denied()).toEqual([egress + packets.length, ingress])
})

function probesBetween([from, to]: readonly Address[]): Packet[] {
  if (from === undefined || to === undefined) return []
  return PROBES.map(([protocol, number]) => ({
    from,
    to,
    protocol,
    ...(number !== undefined && { port: number }),
  }))
}
