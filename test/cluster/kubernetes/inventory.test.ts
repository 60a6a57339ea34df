import { expect, test } from 'vitest'
import { Inventory } from '../../../src/cluster/kubernetes/inventory.ts'
import { readObject } from '../../../src/cluster/kubernetes/read-object.ts'
import { PODS } from '../../../src/cluster/kubernetes/resources.ts'
import type { SourceChange } from '../../../src/cluster/source-change.ts'

function told(name: string): SourceChange {
  return readObject(PODS, { metadata: { namespace: 'shop', name } })
}

function gone(inventory: Inventory): string[] {
  return [...inventory.takeGone()].map(({ subject }) => subject.key)
}

test('what a list does not tell is gone, once', () => {
  const inventory = new Inventory('pod')
  inventory.begin()
  for (const name of ['a', 'b', 'c']) inventory.note(told(name))
  expect(gone(inventory)).toEqual([])
  inventory.begin()
  inventory.note(told('b'))
  inventory.note({ kind: 'gone', subject: { object: 'pod', key: 'shop/c' } })
  expect(gone(inventory)).toEqual(['shop/a'])
  expect(gone(inventory)).toEqual([])
  expect(inventory.size).toBe(1)
})

test('an object that was asked for is gone with the next list that does not tell it', () => {
  const inventory = new Inventory('pod')
  inventory.begin()
  inventory.noteAsked(told('a'), inventory.round)
  expect(gone(inventory)).toEqual([])
  inventory.begin()
  expect(gone(inventory)).toEqual(['shop/a'])
})

test('a list that began after the question knows better, whenever the answer comes', () => {
  const inventory = new Inventory('pod')
  inventory.begin()
  const { round } = inventory
  inventory.begin()
  inventory.note(told('listed'))
  inventory.noteAsked(told('listed'), round)
  inventory.noteAsked(told('stale'), round)
  expect(gone(inventory)).toEqual(['shop/stale'])
})

test('equal names in two namespaces are two objects', () => {
  const inventory = new Inventory('pod')
  inventory.begin()
  for (const namespace of ['shop', 'bank']) {
    inventory.note(readObject(PODS, { metadata: { namespace, name: 'a' } }))
  }
  expect(inventory.size).toBe(2)
  inventory.note({ kind: 'gone', subject: { object: 'pod', key: 'shop/a' } })
  inventory.note({ kind: 'gone', subject: { object: 'pod', key: 'shop/a' } })
  expect(inventory.size).toBe(1)
  inventory.begin()
  expect(gone(inventory)).toEqual(['bank/a'])
  expect(inventory.size).toBe(0)
})

test('what is told while the gone are told is not among them', () => {
  const inventory = new Inventory('namespace')
  inventory.begin()
  for (const key of ['a', 'b']) {
    inventory.note({ kind: 'namespace', namespace: { name: key, labels: new Map() } })
  }
  inventory.begin()
  const told = inventory.takeGone()
  expect(told.next().value).toEqual({ kind: 'gone', subject: { object: 'namespace', key: 'a' } })
  inventory.note({ kind: 'namespace', namespace: { name: 'b', labels: new Map() } })
  expect(told.next().done).toBe(true)
  expect(inventory.size).toBe(1)
})
