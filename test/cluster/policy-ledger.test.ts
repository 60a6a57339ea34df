import { expect, test } from 'vitest'
import { PolicyLedger } from '../../src/cluster/policy-ledger.ts'
import type { RefusedObject } from '../../src/cluster/state.ts'

const KEY = 'shop/web'
const at = (minute: number) => `2026-01-01T00:0${minute}:00.000Z`

/** A ledger whose clock is one minute on at each reading. */
function ledger(): PolicyLedger {
  let minute = 0
  return new PolicyLedger(() => new Date(at(minute++)))
}

function version(generation: number) {
  return { uid: 'one', generation }
}

function accepted(generation: number) {
  return { key: KEY, version: version(generation), refused: undefined } as const
}

function refused(generation: number, inForce: RefusedObject['inForce']) {
  const object: RefusedObject = {
    subject: { object: 'policy', key: KEY },
    problems: ['spec: wrong'],
    inForce,
  }
  return { key: KEY, version: version(generation), refused: object } as const
}

const gone = { key: KEY, version: undefined, refused: undefined } as const

test('accepted until the kernel holds it, then live', () => {
  const held = ledger()
  held.tell(accepted(1))
  expect(held.of(KEY)).toEqual([
    {
      namespace: 'shop',
      name: 'web',
      state: 'accepted',
      version: version(1),
      live: null,
      refused: null,
    },
  ])
  held.settle()
  const live = { version: version(1), since: at(0) }
  expect(held.of(KEY)).toMatchObject([{ state: 'live', version: version(1), live }])
})

test('what is told again has been live since it first was', () => {
  const held = ledger()
  for (const generation of [1, 1, 2]) {
    held.tell(accepted(generation))
    held.settle()
  }
  expect(held.of(KEY)).toMatchObject([{ live: { version: version(2), since: at(2) } }])
  held.tell(accepted(2))
  held.settle()
  expect(held.of(KEY)).toMatchObject([{ state: 'live', live: { since: at(2) } }])
})

test('while a new version is on its way, the old one is live', () => {
  const held = ledger()
  held.tell(accepted(1))
  held.settle()
  held.tell(accepted(2))
  expect(held.of(KEY)).toMatchObject([
    { state: 'accepted', version: version(2), live: { version: version(1) } },
  ])
})

test('an object that was made anew is another version, whatever its generation', () => {
  const held = ledger()
  held.tell(accepted(1))
  held.settle()
  held.tell({ ...accepted(1), version: { uid: 'two', generation: 1 } })
  expect(held.of(KEY)).toMatchObject([{ state: 'accepted' }])
})

test('a refused version leaves live what was accepted last, also when that was not live yet', () => {
  const held = ledger()
  held.tell(accepted(1))
  held.settle()
  held.tell(accepted(2))
  held.tell(refused(3, 'last accepted version'))
  const refusal = { problems: ['spec: wrong'], inForce: 'last accepted version' }
  expect(held.of(KEY)).toMatchObject([
    { state: 'refused', version: version(3), live: { version: version(1) }, refused: refusal },
  ])
  held.settle()
  expect(held.of(KEY)).toMatchObject([{ state: 'refused', live: { version: version(2) } }])
})

test('where a stopgap holds, no version of the policy is live', () => {
  const held = ledger()
  held.tell(refused(1, 'salvage'))
  held.settle()
  expect(held.of(KEY)).toMatchObject([{ state: 'refused', version: version(1), live: null }])
  held.tell(accepted(2))
  held.settle()
  expect(held.of(KEY)).toMatchObject([{ state: 'live', refused: null }])
})

test('a policy that is gone is leaving until the kernel holds nothing of it', () => {
  const held = ledger()
  held.tell(accepted(1))
  held.settle()
  held.tell(gone)
  expect(held.of(KEY)).toMatchObject([
    { state: 'leaving', version: null, live: { version: version(1) } },
  ])
  held.settle()
  expect(held.of(KEY)).toEqual([])
  expect([...held.list()]).toEqual([])
})

test('listed by namespace and name', () => {
  const held = ledger()
  for (const key of ['shop/web', 'bank/vault', 'shop/db'] as const) {
    held.tell({ ...accepted(1), key })
  }
  expect([...held.list()].map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
    'bank/vault',
    'shop/db',
    'shop/web',
  ])
})
