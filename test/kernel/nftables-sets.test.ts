import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commit } from '../../src/nftables/commit.ts'
import { listElements, listSets } from '../../src/nftables/list.ts'
import type { ListedElement } from '../../src/nftables/read-elements.ts'
import type { AnyElement, SetNode } from '../../src/nftables/set.ts'
import { map, set } from '../../src/nftables/set.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { elementsOf, setsOfEveryKind } from '../nftables/arbitraries.ts'
import { openNamespace } from './nftables-namespace.ts'
import type { Namespace } from './nftables-namespace.ts'

const table = { family: 'inet', table: 'shelf' } as const
const begin = () => new Transaction(table)
const classes = map('pod_class4', ['ipv4_addr'], ['classid'])
const blocks = map('block_class4', ['ipv4_addr'], ['classid'], { flags: ['interval'] })

let namespace: Namespace

beforeAll(() => {
  namespace = openNamespace('sets')
})
afterAll(() => namespace.close())
beforeEach(() => {
  commit(namespace.socket, begin().addTable().deleteTable().addTable())
})

describe('sets are listed by nft in its own words', () => {
  const cases: readonly [SetNode, readonly AnyElement[], text: readonly string[]][] = [
    [
      blocks,
      [
        { key: 0, last: 255, data: 17 },
        { key: 256, last: 511, data: 18 },
        { key: 0xc0a8_0000, last: 0xffff_ffff, data: 0x8000_0013 },
        { key: '*', data: 16 },
      ],
      [
        'map block_class4 {',
        'type ipv4_addr : classid',
        'flags interval',
        'elements = { 0.0.0.0/24 : 0:11, 0.0.1.0/24 : 0:12, 192.168.0.0-255.255.255.255 : 8000:13, * : 0:10 }',
      ],
    ],
    [
      map('block_class6', ['ipv6_addr'], ['classid'], { flags: ['interval'] }),
      [
        { key: 0n, data: 17 },
        { key: 0xffn << 120n, last: (1n << 128n) - 1n, data: 18 },
      ],
      [
        'map block_class6 {',
        'type ipv6_addr : classid',
        'flags interval',
        'elements = { :: : 0:11, ff00::/8 : 0:12 }',
      ],
    ],
    [
      map('in_ports4', ['ipv4_addr', 'classid'], ['classid']),
      [{ key: [0x0102_0304, 32], data: 0x8000_0010 }],
      [
        'map in_ports4 {',
        'type ipv4_addr . classid : classid',
        'elements = { 1.2.3.4 . 0:20 : 8000:10 }',
      ],
    ],
    [
      set('ports_range', ['classid', 'inet_proto', 'inet_service'], { flags: ['interval'] }),
      [{ key: [0xc000_0010, 6, 80], last: [0xc000_0010, 6, 90] }, { key: [0xc000_0011, 132, 1] }],
      [
        'set ports_range {',
        'type classid . inet_proto . inet_service',
        'flags interval',
        'elements = { c000:10 . tcp . 80-90, c000:11 . sctp . 1 }',
      ],
    ],
    [
      set('services', ['inet_service'], { flags: ['interval'] }),
      [{ key: 80, last: 90 }, { key: 91 }, { key: 65_535 }],
      ['set services {', 'type inet_service', 'flags interval', 'elements = { 80-90, 91, 65535 }'],
    ],
    [
      set('pod_if6', ['ifname', 'ipv6_addr'], {}),
      [{ key: ['slc1', 1n] }],
      ['set pod_if6 {', 'type ifname . ipv6_addr', 'elements = { "slc1" . ::1 }'],
    ],
    [
      set('cards', ['ether_addr']),
      [{ key: '02:00:00:00:00:01' }],
      ['set cards {', 'type ether_addr', 'elements = { 02:00:00:00:00:01 }'],
    ],
    [
      set('marks', ['mark'], { flags: ['constant'] }),
      [{ key: 5 }],
      ['set marks {', 'type mark', 'flags constant', 'elements = { 0x00000005 }'],
    ],
    [
      set('rate', ['ipv4_addr'], { size: 4096, flags: ['dynamic', 'timeout'], timeoutMs: 10_000 }),
      [],
      ['set rate {', 'type ipv4_addr', 'size 4096', 'flags dynamic,timeout', 'timeout 10s'],
    ],
    [
      map('hostport4', ['inet_proto', 'inet_service'], ['ipv4_addr', 'inet_service']),
      [{ key: [6, 80], data: [0x0102_0304, 8080] }],
      [
        'map hostport4 {',
        'type inet_proto . inet_service : ipv4_addr . inet_service',
        'elements = { tcp . 80 : 1.2.3.4 . 8080 }',
      ],
    ],
  ]
  test.each(cases)('$name', (node, elements, text) => {
    commit(namespace.socket, begin().addSet(node).addElements(node, elements))
    const kind = node.data.length > 0 ? 'map' : 'set'
    const listed = namespace.nft(['list', kind, 'inet', 'shelf', node.name])
    const lines = listed
      .replaceAll(/,\n\s+/g, ', ')
      .split('\n')
      .slice(1, -3)
    expect(lines.map((line) => line.trim())).toEqual(text)
  })
})

test('sets of every kind are listed by nft without a crash, and by us as they were declared', () => {
  const transaction = begin()
  for (const node of setsOfEveryKind) transaction.addSet(node)
  for (const node of setsOfEveryKind) {
    const [elements = []] = fc.sample(elementsOf(node), { numRuns: 1, seed: 7 })
    transaction.addElements(node, elements)
  }
  commit(namespace.socket, transaction)
  const listed = namespace.nft(['list', 'table', 'inet', 'shelf'])
  const json: unknown = JSON.parse(namespace.nft(['-j', 'list', 'table', 'inet', 'shelf']))
  expect(json).toHaveProperty('nftables')
  for (const { name } of setsOfEveryKind) expect(listed).toContain(` ${name} {`)
  expect(listSets(namespace.socket, table)).toEqual(
    setsOfEveryKind.map(({ name, key, data, flags, size, timeoutMs }) =>
      expect.objectContaining({ set: name, key, data, flags, size, timeoutMs }),
    ),
  )
})

test.each(setsOfEveryKind)('elements of $name: what is written is what is dumped', async (node) => {
  await fc.assert(
    fc.asyncProperty(elementsOf(node), async (elements) => {
      commit(namespace.socket, begin().addSet(node).flushSet(node).addElements(node, elements))
      expect(await dumped(node)).toEqual(sorted(elements))
      commit(namespace.socket, begin().deleteElements(node, elements))
      expect(await dumped(node)).toEqual([])
    }),
    { numRuns: 15 },
  )
})

test('ten thousand elements go in with one transaction and come back', async () => {
  const elements = Array.from({ length: 10_000 }, (_, index) => ({ key: index, data: 16 + index }))
  commit(namespace.socket, begin().addSet(classes).addElements(classes, elements))
  expect(await dumped(classes)).toEqual(sorted(elements))
  const counts = listSets(namespace.socket, table).filter(({ set: name }) => name === classes.name)
  // Kernels before NFTA_SET_COUNT say nothing.
  expect([10_000, undefined]).toContain(counts[0]?.count)
})

describe('a key that exists', () => {
  beforeEach(() => {
    commit(
      namespace.socket,
      begin()
        .addSet(classes)
        .addElements(classes, [{ key: 1, data: 16 }])
        .addSet(blocks)
        .addElements(blocks, [{ key: 0, last: 9, data: 16 }]),
    )
  })

  test('may be added again with the same data, but not created', async () => {
    commit(namespace.socket, begin().addElements(classes, [{ key: 1, data: 16 }]))
    expect(() =>
      commit(namespace.socket, begin().createElements(classes, [{ key: 1, data: 16 }])),
    ).toThrow('element in map pod_class4 of table inet shelf')
    expect(await dumped(classes)).toEqual([{ key: 1, data: 16 }])
  })

  test('is refused with other data; nothing of that transaction happens', async () => {
    const transaction = begin().addElements(classes, [
      { key: 2, data: 16 },
      { key: 1, data: 17 },
    ])
    expect(() => commit(namespace.socket, transaction)).toThrow(
      expect.objectContaining({ code: 'NFT_REFUSED', errno: 'EEXIST' }),
    )
    expect(await dumped(classes)).toEqual([{ key: 1, data: 16 }])
  })

  test('is replaced, intervals and the catch-all too', async () => {
    commit(
      namespace.socket,
      begin()
        .replaceElements(classes, [{ key: 1, data: 17 }])
        .deleteElements(blocks, [{ key: 0, last: 9 }])
        .addElements(blocks, [
          { key: 0, last: 4, data: 17 },
          { key: 5, last: 9, data: 18 },
          { key: '*', data: 19 },
        ]),
    )
    commit(namespace.socket, begin().replaceElements(blocks, [{ key: '*', data: 20 }]))
    expect(await dumped(classes)).toEqual([{ key: 1, data: 17 }])
    expect(await dumped(blocks)).toEqual(
      sorted([
        { key: 0, last: 4, data: 17 },
        { key: 5, last: 9, data: 18 },
        { key: '*', data: 20 },
      ]),
    )
  })
})

test('to destroy elements, they need not be there', async () => {
  const cut = set('cut', ['inet_service'], { flags: ['timeout'], timeoutMs: 180_000 })
  commit(
    namespace.socket,
    begin()
      .addSet(cut)
      .addElements(cut, [{ key: 1, timeoutMs: 90_000 }, { key: 2 }])
      .addSet(blocks)
      .addElements(blocks, [{ key: 0, last: 9, data: 16 }]),
  )
  commit(
    namespace.socket,
    begin()
      .destroyElements(cut, [{ key: 1 }, { key: 3 }])
      .destroyElements(blocks, [
        { key: 0, last: 9, data: 16 },
        { key: 20, last: 29, data: 17 },
      ]),
  )
  expect(await dumped(cut)).toEqual([{ key: 2 }])
  expect(await dumped(blocks)).toEqual([])
})

test('the set of another type is refused to be read', async () => {
  commit(
    namespace.socket,
    begin()
      .addSet(classes)
      .addElements(classes, [{ key: 1, data: 16 }]),
  )
  const other = map('pod_class4', ['ipv6_addr'], ['classid'])
  await expect(dumped(other)).rejects.toThrow('the set there has other types')
})

async function dumped(node: SetNode): Promise<AnyElement[]> {
  const elements = await listElements(namespace.socket, table, node)
  return sorted(elements.map(withoutExpiry))
}

function withoutExpiry(element: ListedElement): AnyElement {
  const { expiresMs, ...rest } = element
  expect(expiresMs ?? 1).toBeGreaterThan(0)
  return rest
}

/** Hash tables have no order. */
function sorted(elements: readonly AnyElement[]): AnyElement[] {
  return elements.toSorted((a, b) => (String(a.key) < String(b.key) ? -1 : 1))
}
