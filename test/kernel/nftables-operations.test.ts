import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { subscribe } from '../../src/netlink/subscribe.ts'
import { commit } from '../../src/nftables/commit.ts'
import {
  listChains,
  listCounters,
  listElements,
  listRules,
  listSets,
  listTables,
} from '../../src/nftables/list.ts'
import { NFNLGRP_NFTABLES, readNotification } from '../../src/nftables/notification.ts'
import type { Notification } from '../../src/nftables/notification.ts'
import { map, set } from '../../src/nftables/set.ts'
import { accept, counter, drop, inSet, jump, oneOf } from '../../src/nftables/statements.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { openNamespace } from './nftables-namespace.ts'
import type { Namespace } from './nftables-namespace.ts'

const table = { family: 'inet', table: 't' } as const
const begin = () => new Transaction(table)
const pods = set('in_pods4', ['ipv4_addr'])
const classes = map('pod_class4', ['ipv4_addr'], ['classid'])
const blocks = map('block_class4', ['ipv4_addr'], ['classid'], { flags: ['interval'] })

let namespace: Namespace

beforeAll(() => {
  namespace = openNamespace('operations')
})
afterAll(() => namespace.close())
afterEach(() => namespace.nft(['flush', 'ruleset']))

describe('tables', () => {
  test('are listed with comment, flags and owner', () => {
    commit(namespace.socket, begin().addTable({ comment: 'version 1' }))
    commit(
      namespace.socket,
      new Transaction({ family: 'inet', table: 'owned' }).addTable({ flags: ['owner', 'persist'] }),
    )
    expect(listTables(namespace.socket, 'inet')).toEqual([
      { table: 't', flags: [], comment: 'version 1', owner: undefined },
      {
        table: 'owned',
        flags: ['owner', 'persist'],
        comment: undefined,
        owner: expect.any(Number),
      },
    ])
    expect(namespace.nft(['list', 'table', 'inet', 't'])).toContain('comment "version 1"')
    commit(namespace.socket, new Transaction({ family: 'inet', table: 'owned' }).deleteTable())
    expect(listTables(namespace.socket, 'inet').map((found) => found.table)).toEqual(['t'])
  })

  test('of another family are not listed', () => {
    commit(namespace.socket, new Transaction({ family: 'ip6', table: 'six' }).addTable())
    expect(listTables(namespace.socket, 'inet')).toEqual([])
    expect(listTables(namespace.socket, 'ip6')).toHaveLength(1)
  })

  test('that another socket owns cannot be changed, and can be had again once it has closed', () => {
    const owner = openNetlink(NETLINK_NETFILTER, { netns: namespace.path })
    try {
      commit(owner, begin().addTable({ flags: ['owner', 'persist'] }))
      expect(() => commit(namespace.socket, begin().addChain('c'))).toThrow(
        expect.objectContaining({ errno: 'EPERM', object: 'chain c of table inet t' }),
      )
    } finally {
      owner.close()
    }
    commit(
      namespace.socket,
      begin()
        .addTable({ flags: ['owner', 'persist'] })
        .addChain('c'),
    )
    expect(listChains(namespace.socket, table)).toEqual([{ chain: 'c', base: undefined }])
    commit(namespace.socket, begin().deleteTable())
  })
})

describe('a table with everything in it', () => {
  beforeEach(() => {
    commit(
      namespace.socket,
      begin()
        .createTable()
        .createSet(pods)
        .createSet(classes)
        .createSet(blocks)
        .addCounter('denied')
        .createChain('regular')
        .createChain('hook', {
          type: 'filter',
          hook: 'prerouting',
          priority: -305,
          policy: 'drop',
        })
        .addRule('regular', [inSet(['ip saddr'], pods), accept])
        .addRule('hook', [jump('regular')])
        .addRule('hook', [oneOf('th dport', [80, 443]), drop])
        .addElements(pods, [{ key: 1 }, { key: 2 }])
        .addElements(classes, [{ key: 1, data: 16 }])
        .addElements(blocks, [{ key: 10, last: 19, data: 16 }]),
    )
  })

  test('its chains are listed', () => {
    expect(listChains(namespace.socket, table)).toEqual([
      { chain: 'regular', base: undefined },
      {
        chain: 'hook',
        base: { type: 'filter', hook: 'prerouting', priority: -305, policy: 'drop' },
      },
    ])
  })

  test('its sets are listed, those of rules are not', () => {
    expect(listSets(namespace.socket, table).map((listed) => listed.set)).toEqual([
      'in_pods4',
      'pod_class4',
      'block_class4',
    ])
  })

  test('its rules are listed, of all chains or of one', () => {
    const chains = listRules(namespace.socket, table).map(({ chain }) => chain)
    expect(chains).toEqual(['regular', 'hook', 'hook'])
    expect(listRules(namespace.socket, table, 'hook')).toHaveLength(2)
  })

  test('a chain is flushed, a rule and a chain deleted', () => {
    const [first] = listRules(namespace.socket, table, 'hook')
    commit(namespace.socket, begin().deleteRule('hook', first?.handle ?? 0n))
    expect(listRules(namespace.socket, table, 'hook')).toHaveLength(1)
    commit(namespace.socket, begin().flushChain('hook').flushChain('regular'))
    expect(listRules(namespace.socket, table)).toEqual([])
    commit(namespace.socket, begin().deleteChain('hook'))
    expect(listChains(namespace.socket, table)).toEqual([{ chain: 'regular', base: undefined }])
  })

  test('a set is flushed, a set and a counter deleted', async () => {
    commit(
      namespace.socket,
      begin().flushSet(blocks).flushChain('regular').deleteSet('in_pods4').deleteCounter('denied'),
    )
    expect(await listElements(namespace.socket, table, blocks)).toEqual([])
    expect(listSets(namespace.socket, table)).toHaveLength(2)
    expect(namespace.nft(['list', 'counters'])).not.toContain('denied')
  })

  const refused: readonly [Transaction, errno: string, object: string][] = [
    [begin().createTable(), 'EEXIST', 'table inet t'],
    [begin().createChain('regular'), 'EEXIST', 'chain regular of table inet t'],
    [begin().createSet(classes), 'EEXIST', 'map pod_class4 of table inet t'],
    [
      begin().addSet(map('pod_class4', ['ipv6_addr'], ['classid'])),
      'EEXIST',
      'map pod_class4 of table inet t',
    ],
    [
      begin().createElements(pods, [{ key: 1 }]),
      'EEXIST',
      'element in set in_pods4 of table inet t',
    ],
    [
      begin().addElements(blocks, [{ key: 15, last: 30, data: 17 }]),
      'EEXIST',
      'element in map block_class4 of table inet t',
    ],
    [
      begin().deleteElements(pods, [{ key: 3 }]),
      'ENOENT',
      'element in set in_pods4 of table inet t',
    ],
    [begin().deleteSet('in_pods4'), 'EBUSY', 'set in_pods4 of table inet t'],
    [begin().deleteSet('none'), 'ENOENT', 'set none of table inet t'],
    [begin().addRule('none', [accept]), 'ENOENT', 'rule in chain none of table inet t'],
    [
      begin().addRule('regular', [inSet(['ip saddr'], set('none', ['ipv4_addr']))], 'lost'),
      'ENOENT',
      'rule "lost" in chain regular of table inet t',
    ],
    [begin().addRule('regular', [jump('none')]), 'ENOENT', 'rule in chain regular of table inet t'],
    [
      begin().addRule('regular', [jump('hook')]),
      'EOPNOTSUPP',
      'rule in chain regular of table inet t',
    ],
    [begin().deleteRule('regular', 999n), 'ENOENT', 'rule 999 in chain regular of table inet t'],
    [begin().deleteCounter('none'), 'ENOENT', 'counter none of table inet t'],
    [begin().addChain('x'.repeat(300)), 'ERANGE', `chain ${'x'.repeat(300)} of table inet t`],
  ]
  test.each(refused)(
    '%#: what is refused is named, and nothing else happens either',
    (transaction, errno, object) => {
      const before = namespace.nft(['list', 'ruleset'])
      const whole = begin().addElements(pods, [{ key: 77 }])
      whole.operations.push(...transaction.operations)
      expect(() => commit(namespace.socket, whole)).toThrow(
        expect.objectContaining({
          code: 'NFT_REFUSED',
          errno,
          object,
          message: expect.stringContaining(`${object}: ${errno}`),
        }),
      )
      expect(namespace.nft(['list', 'ruleset'])).toBe(before)
    },
  )
})

test('named counters are read', () => {
  commit(
    namespace.socket,
    begin()
      .addTable()
      .addCounter('sent')
      .addCounter('idle')
      .addChain('out', { type: 'filter', hook: 'output', priority: 0 })
      .addRule('out', [counter('sent'), drop]),
  )
  const idle = { counter: 'idle', packets: 0n, bytes: 0n }
  const counters = () =>
    listCounters(namespace.socket, table).toSorted((a, b) => (a.counter < b.counter ? -1 : 1))
  expect(counters()).toEqual([idle, { counter: 'sent', packets: 0n, bytes: 0n }])
  namespace.run(['ip', 'link', 'set', 'lo', 'up'])
  namespace.run(['bash', '-c', 'echo -n 1234 > /dev/udp/127.0.0.1/9 || true'])
  // 20 bytes of IP header, 8 of UDP, 4 of payload.
  expect(counters()).toEqual([idle, { counter: 'sent', packets: 1n, bytes: 32n }])
})

test('a table that does not exist is named too', () => {
  expect(() => commit(namespace.socket, begin().addChain('c'))).toThrow(
    'The kernel refused to add chain c of table inet t: ENOENT',
  )
})

test('every change is told to those who listen, with the socket that made it', async () => {
  const heard: Notification[] = []
  const subscription = subscribe(
    NETLINK_NETFILTER,
    [NFNLGRP_NFTABLES],
    {
      onMessage: (message) => {
        const notification = readNotification(message)
        if (notification) heard.push(notification)
      },
      onLost: (error) => {
        throw error
      },
    },
    { netns: namespace.path },
  )
  try {
    commit(
      namespace.socket,
      begin()
        .addTable()
        .addChain('c')
        .addRule('c', [accept])
        .addSet(classes)
        .addElements(classes, [{ key: 1, data: 16 }])
        .addCounter('denied'),
    )
    namespace.nft(['delete', 'table', 'inet', 't'])
    await vi.waitFor(() =>
      expect(heard.at(-1)).toMatchObject({ object: 'table', change: 'delete' }),
    )
  } finally {
    subscription.close()
  }
  const ours = heard.filter(({ change }) => change === 'new')
  expect(ours.map(({ object, name }) => [object, name])).toEqual([
    ['table', 't'],
    ['chain', 'c'],
    ['rule', 'c'],
    ['set', 'pod_class4'],
    ['element', 'pod_class4'],
    ['counter', 'denied'],
  ])
  expect(new Set(heard.map((each) => `${each.family} ${each.table}`))).toEqual(new Set(['inet t']))
  expect(new Set(ours.map(({ portId }) => portId)).size).toBe(1)
  const theirs = heard.filter(({ change }) => change === 'delete')
  expect(theirs.map(({ object }) => object)).toContain('counter')
  expect(theirs[0]?.portId).not.toBe(ours[0]?.portId)
})
