import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Guard, type Guarded, type Repair } from '../../src/dataplane/guard.ts'
import { readState } from '../../src/dataplane/inspect.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { NetlinkSocketError } from '../../src/netlink/errors.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { address, port } from '../policy/literals.ts'
import { added, blockPeer, podOf, podsOf, policyOf, ruleOf, selectorOf } from '../policy/models.ts'
import { type Namespace, openNamespace } from './nftables-namespace.ts'
import { PROGRAM, startDataplane } from './start-dataplane.ts'
import { until } from './until.ts'

/** What is wrong in the table is found also where no notification has told of it. */
let namespace: Namespace
let guard: Guard
let force: Guarded
let repairs: Repair[]
let inTurn: () => Promise<void>
let uptime: () => number
let yields: number

const PODS = 3000
const EVENTS = [
  ...added(podOf('a/server', 'app=server', ['10.0.0.1', 'fd00::1'], { local: true })),
  ...Array.from({ length: PODS }, (_, index) => {
    const low = `${Math.floor(index / 250)}.${(index % 250) + 1}`
    return added(podOf(`a/p${index}`, `app=p${index % 7}`, [`10.1.${low}`]))
  }).flat(),
  ...added(
    policyOf('a/server', {
      podSelector: selectorOf('app=server'),
      ingress: [
        ruleOf(
          [podsOf('app=p1')],
          [{ kind: 'range', protocol: 'UDP', first: port(7), last: port(9) }],
        ),
        ruleOf([blockPeer('192.0.2.0/24')], 'all'),
      ],
    }),
  ),
]

beforeAll(() => {
  namespace = openNamespace('audit')
})
afterAll(() => namespace.close())
afterEach(() => namespace.nft(['flush', 'ruleset']))

beforeEach(async () => {
  const { socket, path } = namespace
  const locals = new Map([[address('10.0.0.1'), 'slc1']])
  const { dataplane } = await startDataplane(socket, { events: EVENTS, locals })
  force = { dataplane, revocation: { mendBars: () => Promise.resolve(0) } }
  repairs = []
  inTurn = () => Promise.resolve()
  uptime = () => performance.now()
  yields = 0
  guard = new Guard({
    socket,
    openListing: () => openNetlink(NETLINK_NETFILTER, { netns: path }),
    dataplane: {
      commit: (transaction) => commit(socket, transaction),
      read: () => readState(socket),
      gracePeriod: () => Promise.resolve(),
      yieldToOthers: () => {
        yields++
        return setImmediate()
      },
    },
    chains: PROGRAM,
    inTurn: async (mend) => {
      await inTurn()
      await mend(force)
    },
    uptime: () => uptime(),
    setTimer: (callback, delayMs) => void setTimeout(callback, delayMs),
    onRepair: (repair) => void repairs.push(repair),
    onError: (error) => {
      throw error
    },
  })
  await guard.begin(true)
})

const nft = (text: string): string => namespace.nft(['-f', '-'], text)

test('a table that is right stays as it is, and every element is read', async () => {
  expect(await guard.audit()).toBeGreaterThan(PODS)
  expect(repairs).toEqual([])
})

test('others are served whenever its slice of time is used up, in the middle of a datagram too', async () => {
  let now = 0
  uptime = () => now++
  await guard.audit()
  expect(yields).toBeGreaterThan(PODS / 2)
})

describe('is found and put right:', () => {
  test.each<[string, string, object]>([
    ['an element too few', 'delete element inet sluice pod_class4 { 10.1.3.3 }', { elements: 1 }],
    [
      'an element too many',
      'add element inet sluice pod_class4 { 10.9.9.9 : 0:10 }',
      { elements: 1 },
    ],
    [
      'an element with other data',
      'delete element inet sluice pod_class4 { 10.1.3.3 }; add element inet sluice pod_class4 { 10.1.3.3 : 0:63 }',
      { elements: 2 },
    ],
    ['thousands of elements too few', 'flush map inet sluice pod_class4', { sets: ['pod_class4'] }],
    [
      'elements too few and too many, as many of both',
      'delete element inet sluice pod_class4 { 10.1.3.3, 10.1.3.4 }; add element inet sluice pod_class4 { 10.9.9.9 : 0:10, 10.9.9.8 : 0:10 }',
      { elements: 4 },
    ],
    ['a range of ports', 'flush set inet sluice ports_range', { elements: 1 }],
    ['a rule', 'insert rule inet sluice forward accept', { rules: true }],
    ['a rule in place of another', 'flush chain inet sluice ingress4', { rules: true }],
    ['a table that is gone', 'delete table inet sluice', { table: true }],
  ])('%s', async (_, damage, repair) => {
    nft(damage)
    await guard.audit()
    expect(repairs).toEqual([expect.objectContaining(repair)])
    expect(await readState(namespace.socket)).toEqual(force.dataplane.state)
    await guard.audit()
    expect(repairs).toHaveLength(1)
  })
})

test('where notifications were lost, everything is looked at', async () => {
  nft('insert rule inet sluice forward accept; delete element inet sluice pod_class4 { 10.1.3.3 }')
  guard.subscriber.onLost(new NetlinkSocketError('NETLINK_LOST', 'The queue was full.'))
  await until('it is put right', () => repairs.length > 0)
  expect(repairs).toEqual([expect.objectContaining({ rules: true, elements: 1, table: false })])
  expect(await readState(namespace.socket)).toEqual(force.dataplane.state)
})

test('what is committed while it is read is not taken for wrong', async () => {
  const moved = [address('10.2.0.1'), address('10.2.0.2')]
  let turns = 0
  inTurn = async () => {
    // Behind the first turn the sets are read; the second looks at what seemed wrong.
    if (++turns !== 1) return
    await Promise.resolve()
    void (async () => {
      for (let round = 0; round < 20; round++) {
        for (const one of moved) {
          await setImmediate()
          await force.dataplane.attach({
            addresses: [one],
            hostInterface: `slc${round}`,
            hostPorts: [],
          })
        }
      }
    })()
  }
  await guard.audit()
  expect(repairs).toEqual([])
  expect(force.dataplane.state.locals.get(moved[0] ?? address('0.0.0.0'))).toBeDefined()
})
