import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type HostPort, keyOfHostPort } from '../../src/dataplane/host-ports.ts'
import { readState } from '../../src/dataplane/inspect.ts'
import { highestClass, tablesOf } from '../../src/dataplane/kernel-state.ts'
import type { ProgramChain } from '../../src/dataplane/program.ts'
import { commit } from '../../src/nftables/commit.ts'
import { sets } from '../../src/dataplane/sets.ts'
import { tableReference } from '../../src/dataplane/table.ts'
import { listRules, listTables } from '../../src/nftables/list.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import type { ClusterEvent } from '../../src/policy/model.ts'
import { WORLD } from '../../src/policy/tables.ts'
import { address } from '../policy/literals.ts'
import { added, blockPeer, podOf, podsOf, policyOf, ruleOf, tcp } from '../policy/models.ts'
import { type Namespace, openNamespace } from './nftables-namespace.ts'
import {
  dyingAfter,
  OTHER_PROGRAM,
  PROGRAM,
  type Start,
  startDataplane,
  type Started,
} from './start-dataplane.ts'

/** What an agent makes of what it finds in the kernel, and what a packet meets meanwhile. */
let namespace: Namespace

beforeAll(() => {
  namespace = openNamespace('establish')
})
afterAll(() => namespace.close())
afterEach(() => namespace.nft(['flush', 'ruleset']))

const web = podOf('a/web', 'app=web', ['10.0.0.1', 'fd00::1'], { local: true })
const client = podOf('a/client', 'app=client', ['10.0.0.2', 'fd00::2'])
const fromClient = policyOf('a/q1', {
  ingress: [ruleOf([podsOf('app=client')], [tcp(80), tcp(8000, 8080)])],
  egress: [ruleOf([blockPeer('10.0.0.0/8', '10.1.0.0/16')], [tcp(1, 100)])],
})
const fromAnybody = policyOf('a/q1', { ingress: [ruleOf('everyone', [tcp(80, 90)])] })
const BEFORE = added(web, client, fromClient)
const AFTER = added(web, client, fromAnybody)
const LOCALS = new Map([
  [address('10.0.0.1'), 'slc000000000001'],
  [address('fd00::1'), 'slc000000000001'],
])
const HOST_PORTS = [
  hostPort('TCP', undefined, '10.0.0.1'),
  hostPort('TCP', '192.0.2.1', '10.0.0.1'),
  hostPort('UDP', undefined, 'fd00::1'),
  hostPort('SCTP', 'fd01::1', 'fd00::1'),
]

function hostPort(protocol: HostPort['protocol'], hostIp: string | undefined, to: string) {
  const ip = hostIp === undefined ? undefined : address(hostIp)
  return { protocol, hostIp: ip, hostPort: 8080, address: address(to), containerPort: 80 }
}

/** Starts an agent and says how many transactions it took. */
async function start(what: Start): Promise<Started & { transactions: number }> {
  let transactions = 0
  const send = what.commit ?? ((one: Transaction) => commit(namespace.socket, one))
  const started = await startDataplane(namespace.socket, {
    locals: LOCALS,
    hostPorts: HOST_PORTS,
    ...what,
    commit: (one) => {
      send(one)
      transactions += 1
    },
  })
  return { ...started, transactions }
}

async function expectInForce({ compiler, dataplane }: Started): Promise<void> {
  const held = await readState(namespace.socket)
  expect(held).toEqual(dataplane.state)
  expect(tablesOf(held)).toEqual(compiler.tables())
  expect(held.locals).toEqual(LOCALS)
  expect(held.hostPortNumbers).toEqual(new Set(['TCP 8080', 'UDP 8080', 'SCTP 8080']))
  expect(held.hostPorts).toEqual(new Map(HOST_PORTS.map((one) => [keyOfHostPort(one), one])))
  expect(listTables(namespace.socket, 'inet').map(({ table }) => table)).toEqual(['sluice'])
}

describe('a table of the same program', () => {
  test('is adopted; only its classes get new numbers', async () => {
    await start({ events: BEFORE })
    const held = await readState(namespace.socket)
    const second = await start({ events: BEFORE })
    expect(second.found.obstacle).toBeUndefined()
    expect(second.transactions).toBeLessThanOrEqual(3)
    await expectInForce(second)
    const now = await readState(namespace.socket)
    expect(now.portSets).toEqual(held.portSets)
    const highest = highestClass(held)
    for (const id of now.podClasses.values()) if (id !== WORLD) expect(id).toBeGreaterThan(highest)
    expect(highestClass(now)).toBeGreaterThan(highest)
  })

  test('is adopted as it is where no address has a class of its own', async () => {
    const events = added(web, policyOf('a/q1', { ingress: [ruleOf('everyone', [tcp(80)])] }))
    await start({ events })
    expect((await start({ events })).transactions).toBe(0)
  })

  test('keeps its counters and brings other policies into force', async () => {
    await start({ events: BEFORE })
    const handles = ruleHandles()
    const second = await start({ events: AFTER })
    expect(second.found.state).toBeDefined()
    await expectInForce(second)
    expect(ruleHandles()).toEqual(handles)
  })
})

describe('a table is built anew', () => {
  test('when it is another program', async () => {
    await start({ events: BEFORE })
    const second = await start({ events: AFTER, chains: OTHER_PROGRAM })
    expect(second.found.obstacle).toContain('another program version')
    await expectInForce(second)
  })

  const DAMAGE: readonly (readonly [what: string, command: string])[] = [
    ['a rule was added', 'insert rule inet sluice forward accept'],
    ['a rule was added to an inner chain', 'add rule inet sluice ingress6 accept'],
    ['a chain lost its rules', 'flush chain inet sluice egress4'],
    ['a chain was added', 'add chain inet sluice mine { type filter hook forward priority 5; }'],
    ['a chain got another policy', 'add chain inet sluice forward { policy drop; }'],
    ['a pod under policy has no default', 'delete element inet sluice in_default4 { 10.0.0.1 }'],
    ['a pod’s address may come from elsewhere', 'delete element inet sluice local4 { 10.0.0.1 }'],
    ['a pod may not reach itself', 'flush set inet sluice self6'],
    ['one pod may pass as another', 'add element inet sluice self4 { 10.0.0.1 . 10.0.0.2 }'],
    ['a class is none', 'add element inet sluice pod_class4 { 10.0.0.9 : 0:3 }'],
    ['a host port is ICMP’s', 'add element inet sluice host_ports4 { icmp . 1 : 10.0.0.1 . 1 }'],
    [
      'a host port leads to port 0',
      'add element inet sluice host_ports6 { tcp . 1 : fd00::1 . 0 }',
    ],
    ['a host port has no number', 'delete element inet sluice host_port_numbers { udp . 8080 }'],
    ['a number has no host port', 'add element inet sluice host_port_numbers { udp . 1 }'],
    ['a port set names ICMP', 'add element inet sluice ports_proto { 8000:10 . icmp }'],
  ]
  test('when the rest of the world has no class', async () => {
    await start({ events: BEFORE })
    const { blockClass } = sets
    const elements = [{ key: '*', data: WORLD }]
    const removal = new Transaction(tableReference('sluice'))
    removal.operations.push({ kind: 'deleteElements', set: blockClass[6], elements })
    commit(namespace.socket, removal)
    const second = await start({ events: BEFORE })
    expect(second.found.obstacle).toContain('block_class6')
    await expectInForce(second)
  })

  for (const [what, command] of DAMAGE) {
    test(`when ${what}`, async () => {
      await start({ events: BEFORE })
      namespace.nft(command.split(' '))
      const second = await start({ events: BEFORE })
      expect(second.found.obstacle).toMatch(/\.$/u)
      expect(second.found.state).toBeUndefined()
      await expectInForce(second)
    })
  }
})

describe('foreign elements go', () => {
  const FOREIGN = [
    'pod_class4 { 10.0.0.9 : 0:20 }',
    'in_ports4 { 10.0.0.1 . 0:16 : 8000:ff }',
    'ports_all { 8000:10 }',
    'ports_range { 8000:10 . udp . 1-5 }',
    'out_pods4 { 10.0.0.9 }',
    'in_default6 { fd00::9 : 8000:10 }',
    'host_ports4 { udp . 8080 : 10.0.0.1 . 80 }',
    'host_ip_ports6 { fd01::1 . tcp . 8080 : fd00::9 . 80 }',
  ]
  for (const element of FOREIGN) {
    test(element, async () => {
      await start({ events: BEFORE })
      namespace.nft(['add', 'element', 'inet', 'sluice', ...element.split(' ')])
      await expectInForce(await start({ events: BEFORE }))
    })
  }
})

describe('an agent that dies at any transaction of its start has a successor, and pods stay judged', () => {
  const SCENARIOS: readonly (readonly [name: string, left: readonly ClusterEvent[] | undefined])[] =
    [
      ['with nothing there', undefined],
      ['over its predecessor’s table', BEFORE],
    ]
  const programs = { 'the same program': PROGRAM, 'another program': OTHER_PROGRAM }
  for (const [name, left] of SCENARIOS) {
    for (const [version, chains] of Object.entries(programs)) {
      for (const [later, successor] of Object.entries(programs)) {
        test(`${name}, ${version}, then ${later}`, async () => {
          let died = true
          for (let count = 0; died; count += 1) {
            namespace.nft(['flush', 'ruleset'])
            if (left !== undefined) await start({ events: left })
            died = await diesAfter(count, chains)
            const last = await start({ events: AFTER, chains: successor, commit: watched() })
            await expectInForce(last)
            expect(count).toBeLessThan(40)
          }
        })
      }
    }
  }
})

/** Whether the agent died of it: with enough transactions it does not. */
async function diesAfter(count: number, chains: readonly ProgramChain[]): Promise<boolean> {
  try {
    await start({ events: AFTER, chains, commit: dyingAfter(count, watched()) })
    return false
  } catch {
    return true
  }
}

/** Commits; once a table is in force, there is one after each transaction. */
function watched(): (transaction: Transaction) => void {
  let before = isAnyInForce()
  return (transaction) => {
    commit(namespace.socket, transaction)
    const after = isAnyInForce()
    if (before && !after) throw new Error('No table judges packets any more.')
    before = after
  }
}

function isAnyInForce(): boolean {
  return ['sluice', 'sluice_next'].some((table) => {
    const rules = listRules(namespace.socket, { family: 'inet', table })
    return ['prerouting', 'forward', 'input'].every((name) =>
      rules.some(({ chain }) => chain === name),
    )
  })
}

function ruleHandles(): bigint[] {
  return listRules(namespace.socket, { family: 'inet', table: 'sluice' }).map((rule) => rule.handle)
}
