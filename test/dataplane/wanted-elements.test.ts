import { describe, expect, test } from 'vitest'
import { decodeState } from '../../src/dataplane/decode-state.ts'
import { emptyKernelState, type Operation, record } from '../../src/dataplane/kernel-state.ts'
import { elementChanges } from '../../src/dataplane/elements.ts'
import { hostPortOperations } from '../../src/dataplane/host-port-operations.ts'
import { sets } from '../../src/dataplane/sets.ts'
import {
  identityOf,
  wantedElement,
  wantedElements,
  wantedInSteps,
  wantedSets,
} from '../../src/dataplane/wanted-elements.ts'
import type { AnyElement } from '../../src/nftables/set.ts'
import { ip4 } from '../../src/policy/address.ts'
import type { ClassId, PortSetId } from '../../src/policy/tables.ts'
import { address, port } from '../policy/literals.ts'

/** Something in every set, of both families. */
const SUBJECTS = ['10.0.0.1', 'fd00::1'].map(address)
const PORT_SET = 0x8000_0001 as PortSetId
const CLASS = 17 as ClassId
const ROWS = [PORT_SET, 0xc000_0002 as PortSetId]
const OPERATIONS: readonly Operation[] = [
  {
    kind: 'portSet',
    id: PORT_SET,
    portSet: {
      kind: 'allow',
      all: false,
      protocols: ['SCTP'],
      ranges: [
        { protocol: 'TCP', first: port(80), last: port(80) },
        { protocol: 'UDP', first: port(1000), last: port(2000) },
      ],
    },
  },
  {
    kind: 'portSet',
    id: 0xc000_0002 as PortSetId,
    portSet: { kind: 'deny', all: true, protocols: [], ranges: [] },
  },
  { kind: 'chainedInterface', interface: 'veth7', present: true },
  ...([4, 6] as const).flatMap((family): Operation[] => {
    const [first, last] =
      family === 4 ? ['192.0.2.0', '192.0.2.255'] : ['2001:db8::', '2001:db8::ff']
    const range = { first: address(first), last: address(last) }
    return [
      { kind: 'blockClasses', family, blocks: [{ ...range, class: CLASS }] },
      { kind: 'ranges', of: 'pods', family, ranges: [range] },
      { kind: 'ranges', of: 'cluster', family, ranges: [range] },
      {
        kind: 'ranges',
        of: 'tunnelEnds',
        family,
        ranges: [{ first: range.first, last: range.first }],
      },
    ]
  }),
  ...SUBJECTS.flatMap((subject): Operation[] => [
    { kind: 'podClass', address: subject, class: CLASS },
    { kind: 'local', address: subject, interface: 'slc1' },
    ...(['ingress', 'egress'] as const).flatMap((direction): Operation[] => [
      { kind: 'row', direction, subject, class: CLASS, portSet: PORT_SET },
      { kind: 'default', direction, subject, portSet: ROWS[1] },
      { kind: 'member', direction, subject, member: true },
    ]),
    ...hostPortOperations(
      emptyKernelState(),
      [],
      [
        {
          protocol: 'TCP',
          hostIp: undefined,
          hostPort: port(8080),
          address: subject,
          containerPort: port(80),
        },
        {
          protocol: 'UDP',
          hostIp: subject,
          hostPort: port(53),
          address: subject,
          containerPort: port(53),
        },
      ],
    ),
  ]),
]

const state = emptyKernelState()
for (const operation of OPERATIONS) record(state, operation)

test('what every set has to hold spells out the whole state', () => {
  for (const set of wantedSets()) expect([...wantedElements(state, set)]).not.toEqual([])
  expect(decodeState((set) => [...wantedElements(state, set)])).toEqual(state)
})

test('it is what operations put there', () => {
  const added = OPERATIONS.flatMap((operation) => elementChanges(emptyKernelState(), operation))
  for (const set of wantedSets()) {
    const put = added.flatMap((change) => (change.set === set ? change.add : []))
    const wanted = [...wantedElements(state, set)].filter(({ key }) => key !== '*')
    expect(byIdentity(wanted)).toEqual(byIdentity(put))
  }
})

/** V8 keeps texts of numbers, and for 100,000 of them at a time it collects the garbage of its whole heap. */
test('a key of one field is not written out to be told from others', () => {
  expect(identityOf({ key: 7 })).toBe(7)
  expect(identityOf({ key: 7n, last: 7n, data: 1 })).toBe(7n)
  expect(identityOf({ key: 'veth7' })).toBe('veth7')
  expect(identityOf({ key: 7, last: 9 })).not.toBe(identityOf({ key: 7, last: 8 }))
  expect(identityOf({ key: [7, 8], last: [7, 9] })).not.toBe(identityOf({ key: [7, 8] }))
})

describe('by key', () => {
  for (const set of wantedSets()) {
    test(set.name, () => {
      const elements = [...wantedElements(state, set)].filter(({ key }) => key !== '*')
      for (const element of elements) expect(wantedElement(state, set, element)).toEqual(element)
      // Of a key, the data in the kernel is not looked at: it may be the very thing that is wrong.
      for (const { key, last } of elements) {
        const found = wantedElement(state, set, { key, ...(last !== undefined && { last }) })
        expect(elements).toContainEqual(found)
      }
      const all = new Set(elements.map(identityOf))
      for (const stranger of strangersTo(elements)) {
        if (all.has(identityOf(stranger))) continue
        expect(wantedElement(state, set, stranger)).toBeUndefined()
      }
    })
  }
})

test('what Sluice never writes is wanted nowhere', () => {
  for (const set of wantedSets()) {
    for (const key of ['nonsense', 7, [7, 7, 7], 7n]) {
      expect(wantedElement(state, set, { key })).toBeUndefined()
    }
  }
  expect([...wantedElements(state, sets.cut[4])]).toEqual([])
})

test('no step is long, whatever the state holds that is not of the set', () => {
  const many = emptyKernelState()
  const addresses = Array.from({ length: 1000 }, (_, index) => ip4(index))
  for (const one of addresses) record(many, { kind: 'podClass', address: one, class: CLASS })
  const steps = [...wantedInSteps(many, sets.podClass[6])]
  expect(steps).toEqual(addresses.map(() => []))
  const all = [...wantedInSteps(many, sets.podClass[4])]
  expect(all.map(({ length }) => length)).toEqual(addresses.map(() => 1))
})

function byIdentity(elements: readonly AnyElement[]): Map<unknown, AnyElement> {
  return new Map(elements.map((element) => [identityOf(element), element]))
}

/** One field of a key is another. */
function strangersTo(elements: readonly AnyElement[]): AnyElement[] {
  return elements.flatMap<AnyElement>(({ key }) =>
    Array.isArray(key)
      ? key.map((_, changed) => ({
          key: key.map((field, at) => (at === changed ? next(field) : field)),
        }))
      : [{ key: next(key) }],
  )
}

function next(field: unknown): number | bigint | string {
  if (typeof field === 'number') return field + 1
  return typeof field === 'bigint' ? field + 1n : `${String(field)}x`
}
