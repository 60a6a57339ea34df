import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { commit } from '../../src/nftables/commit.ts'
import { getElements } from '../../src/nftables/get-elements.ts'
import { map, set } from '../../src/nftables/set.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import { openNamespace } from './nftables-namespace.ts'
import type { Namespace } from './nftables-namespace.ts'

const table = { family: 'inet', table: 'shelf' } as const
const begin = () => new Transaction(table)
const classes = map('pod_class4', ['ipv4_addr'], ['classid'])
const interfaces = set('pod_if6', ['ifname', 'ipv6_addr'])
const ranges = set('ports_range', ['classid', 'inet_proto', 'inet_service'], {
  flags: ['interval'],
})

let namespace: Namespace

beforeAll(() => {
  namespace = openNamespace('get')
})
afterAll(() => namespace.close())
beforeEach(() => {
  commit(namespace.socket, begin().addTable().deleteTable().addTable())
})

test('what is there is found with its data, what is not is left out', () => {
  const held = [
    { key: 1, data: 17 },
    { key: 2, data: 18 },
    { key: 3, data: 19 },
  ]
  commit(namespace.socket, begin().addSet(classes).addElements(classes, held))
  const get = (...keys: number[]) =>
    getElements(
      namespace.socket,
      table,
      classes,
      keys.map((key) => ({ key })),
    )
  expect(get(1, 2, 3)).toEqual(held)
  expect(get(2)).toEqual([{ key: 2, data: 18 }])
  expect(get(4)).toEqual([])
  expect(get(1, 4, 3, 5)).toEqual([
    { key: 1, data: 17 },
    { key: 3, data: 19 },
  ])
  namespace.nft(['delete', 'element', 'inet', 'shelf', 'pod_class4', '{ 0.0.0.3 }'])
  expect(get(1, 3)).toEqual([{ key: 1, data: 17 }])
})

test('the data is what the set holds, whatever the one who asks thinks', () => {
  commit(
    namespace.socket,
    begin()
      .addSet(classes)
      .addElements(classes, [{ key: 1, data: 17 }]),
  )
  expect(getElements(namespace.socket, table, classes, [{ key: 1, data: 99 }])).toEqual([
    { key: 1, data: 17 },
  ])
})

test('concatenations, and intervals of them', () => {
  const port = { key: [0xc000_0010, 6, 80], last: [0xc000_0010, 6, 90] } as const
  commit(
    namespace.socket,
    begin()
      .addSet(interfaces)
      .addElements(interfaces, [{ key: ['slc1', 1n] }])
      .addSet(ranges)
      .addElements(ranges, [port]),
  )
  const { socket } = namespace
  expect(getElements(socket, table, interfaces, [{ key: ['slc1', 1n] }])).toEqual([
    { key: ['slc1', 1n] },
  ])
  expect(getElements(socket, table, interfaces, [{ key: ['slc2', 1n] }])).toEqual([])
  expect(getElements(socket, table, ranges, [port])).toEqual([port])
  expect(getElements(socket, table, ranges, [{ key: [0xc000_0010, 17, 80] }])).toEqual([])
})

test('no set, no table: no elements', () => {
  expect(getElements(namespace.socket, table, classes, [{ key: 1 }, { key: 2 }])).toEqual([])
  const other = { family: 'inet', table: 'nowhere' } as const
  expect(getElements(namespace.socket, other, classes, [{ key: 1 }])).toEqual([])
})

test('as many as do not fit into one message', () => {
  const held = Array.from({ length: 5_000 }, (_, key) => ({ key, data: 20 + key }))
  commit(namespace.socket, begin().addSet(classes).addElements(classes, held))
  expect(getElements(namespace.socket, table, classes, held)).toEqual(held)
})
