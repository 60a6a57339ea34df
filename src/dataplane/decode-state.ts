import { type AnyElement, describeSet, type SetNode } from '../nftables/set.ts'
import { type Address, type Family, familyOf, formatAddress, ip4, ip6 } from '../policy/address.ts'
import type { Direction } from '../policy/model.ts'
import { parsePort } from '../policy/port.ts'
import type { PortRange, PortSet } from '../policy/ports.ts'
import { type BlockClass, type ClassId, type PortSetId, WORLD } from '../policy/tables.ts'
import { DataplaneError } from './errors.ts'
import { keyOfNumber } from './host-ports.ts'
import {
  type AddressRange,
  DIRECTIONS,
  emptyKernelState,
  FAMILIES,
  type KernelState,
  RANGE_KINDS,
  record,
} from './kernel-state.ts'
import { protocolOf } from './protocols.ts'
import { sets } from './sets.ts'

/**
 * Reads the kernel's elements back into the state that they spell out.
 *
 * @param elementsOf the elements of one set, as dumped
 * @throws {DataplaneError} SLUICE_TABLE_DAMAGED when they are not what this program writes: the set is named
 */
export function decodeState(elementsOf: (set: SetNode) => readonly AnyElement[]): KernelState {
  const state = emptyKernelState()
  for (const family of FAMILIES) {
    readAddresses(state, family, elementsOf)
    checkLocals(state, family, elementsOf)
    readHostPorts(state, family, elementsOf)
    for (const direction of DIRECTIONS) readSubjects(state, direction, family, elementsOf)
  }
  readHostPortNumbers(state, elementsOf)
  readPortSets(state, elementsOf)
  for (const { key } of elementsOf(sets.chainedInterfaces)) {
    record(state, { kind: 'chainedInterface', interface: String(key), present: true })
  }
  return state
}

type ElementsOf = (set: SetNode) => readonly AnyElement[]

function readAddresses(state: KernelState, family: Family, elementsOf: ElementsOf): void {
  const podClass = sets.podClass[family]
  for (const { key, data } of elementsOf(podClass)) {
    const [address] = addresses(podClass, family, [key])
    record(state, { kind: 'podClass', address, class: classId(podClass, data) })
  }
  record(state, { kind: 'blockClasses', family, blocks: readBlocks(family, elementsOf) })
  for (const of of RANGE_KINDS) {
    const set = sets.ranges[of][family]
    const ranges = elementsOf(set).map(({ key, last }) => {
      const [first, end] = addresses(set, family, [key, last ?? key])
      return { first, last: end }
    })
    record(state, { kind: 'ranges', of, family, ranges: ranges.sort(byFirst) })
  }
  const podInterface = sets.podInterface[family]
  for (const { key } of elementsOf(podInterface)) {
    const [name, value] = tuple(podInterface, key, 2)
    const [address] = addresses(podInterface, family, [value])
    record(state, { kind: 'local', address, interface: String(name) })
  }
}

/** What says the same as `pod_if` in other words. */
function checkLocals(state: KernelState, family: Family, elementsOf: ElementsOf): void {
  const own = [...state.locals.keys()].filter((address) => familyOf(address) === family)
  const expected: readonly (readonly [SetNode, readonly AnyElement[]])[] = [
    [sets.local[family], own.map((key) => ({ key }))],
    [sets.self[family], own.map((address) => ({ key: [address, address] }))],
  ]
  for (const [set, elements] of expected) {
    const keys = new Set(elements.map(({ key }) => String(key)))
    const held = new Set(elementsOf(set).map(({ key }) => String(key)))
    const [odd] = held.symmetricDifference(keys)
    if (odd !== undefined) throw inconsistent(set, odd)
  }
}

function readHostPorts(state: KernelState, family: Family, elementsOf: ElementsOf): void {
  const everywhere = sets.hostPorts[family]
  for (const { key, data } of elementsOf(everywhere)) {
    const [number, hostPort] = tuple(everywhere, key, 2)
    readHostPort(state, everywhere, family, { hostIp: undefined, number, hostPort, data })
  }
  const onOne = sets.hostPortsOfAddress[family]
  for (const { key, data } of elementsOf(onOne)) {
    const [value, number, hostPort] = tuple(onOne, key, 3)
    const [hostIp] = addresses(onOne, family, [value])
    readHostPort(state, onOne, family, { hostIp, number, hostPort, data })
  }
}

function readHostPort(
  state: KernelState,
  set: SetNode,
  family: Family,
  { hostIp, number, hostPort, data }: HostPortElement,
): void {
  const [value, containerPort] = tuple(set, data, 2)
  const [address] = addresses(set, family, [value])
  const mapping = {
    protocol: protocol(set, number),
    hostIp,
    hostPort: port(set, hostPort),
    address,
    containerPort: port(set, containerPort),
  }
  record(state, { kind: 'hostPort', mapping, present: true })
}

/** What says again which ports the maps are about. */
function readHostPortNumbers(state: KernelState, elementsOf: ElementsOf): void {
  const set = sets.hostPortNumbers
  for (const { key } of elementsOf(set)) {
    const [number, hostPort] = tuple(set, key, 2)
    const read = { protocol: protocol(set, number), hostPort: port(set, hostPort) }
    record(state, { kind: 'hostPortNumber', number: read, present: true })
  }
  const expected = new Set([...state.hostPorts.values()].map(keyOfNumber))
  const [odd] = state.hostPortNumbers.symmetricDifference(expected)
  if (odd !== undefined) throw inconsistent(set, odd)
}

interface HostPortElement {
  readonly hostIp: Address | undefined
  readonly number: unknown
  readonly hostPort: unknown
  readonly data: unknown
}

function readBlocks(family: Family, elementsOf: ElementsOf): BlockClass[] {
  const set = sets.blockClass[family]
  const blocks: BlockClass[] = []
  const elements = elementsOf(set)
  const rest = elements.find(({ key }) => key === '*')
  if (rest?.data !== WORLD) throw inconsistent(set, 'the rest of the world')
  for (const { key, last, data } of elements) {
    if (key === '*') continue
    const [first, end] = addresses(set, family, [key, last ?? key])
    blocks.push({ first, last: end, class: classId(set, data) })
  }
  return blocks.sort(byFirst)
}

function byFirst(a: AddressRange, b: AddressRange): number {
  return a.first < b.first ? -1 : 1
}

function readSubjects(
  state: KernelState,
  direction: Direction,
  family: Family,
  elementsOf: ElementsOf,
): void {
  const members = sets.members[direction][family]
  for (const { key } of elementsOf(members)) {
    const [subject] = addresses(members, family, [key])
    record(state, { kind: 'member', direction, subject, member: true })
  }
  const defaults = sets.defaults[direction][family]
  for (const { key, data } of elementsOf(defaults)) {
    const [subject] = addresses(defaults, family, [key])
    const portSet = portSetId(defaults, data)
    refer(state, portSet)
    record(state, { kind: 'default', direction, subject, portSet })
  }
  for (const [subject, { member, default: portSet }] of state.subjects[direction]) {
    if (member && portSet === undefined) throw inconsistent(defaults, formatAddress(subject))
  }
  const rows = sets.rows[direction][family]
  for (const { key, data } of elementsOf(rows)) {
    const [value, id] = tuple(rows, key, 2)
    const [subject] = addresses(rows, family, [value])
    const portSet = portSetId(rows, data)
    refer(state, portSet)
    record(state, { kind: 'row', direction, subject, class: classId(rows, id), portSet })
  }
}

/** A port set without elements is known only by what refers to it. */
function refer(state: KernelState, id: PortSetId): void {
  if (!state.portSets.has(id)) state.portSets.set(id, emptyPortSet(id))
}

function emptyPortSet(id: PortSetId): PortSet {
  return { kind: id >= 0xc000_0000 ? 'deny' : 'allow', all: false, protocols: [], ranges: [] }
}

function readPortSets(state: KernelState, elementsOf: ElementsOf): void {
  const content = (id: PortSetId): PortSet => state.portSets.get(id) ?? emptyPortSet(id)
  for (const { key } of elementsOf(sets.portsAll)) {
    const id = portSetId(sets.portsAll, key)
    state.portSets.set(id, { ...content(id), all: true })
  }
  for (const { key } of elementsOf(sets.portsProto)) {
    const [value, number] = tuple(sets.portsProto, key, 2)
    const id = portSetId(sets.portsProto, value)
    const protocols = [...content(id).protocols, protocol(sets.portsProto, number)].sort()
    state.portSets.set(id, { ...content(id), protocols })
  }
  for (const set of [sets.portsPort, sets.portsRange]) {
    for (const { key, last } of elementsOf(set)) {
      const [value, number, first] = tuple(set, key, 3)
      const end = last === undefined ? first : tuple(set, last, 3)[2]
      const id = portSetId(set, value)
      const range = {
        protocol: protocol(set, number),
        first: port(set, first),
        last: port(set, end),
      }
      state.portSets.set(id, {
        ...content(id),
        ranges: [...content(id).ranges, range].sort(byPort),
      })
    }
  }
}

function byPort(a: PortRange, b: PortRange): number {
  if (a.protocol !== b.protocol) return a.protocol < b.protocol ? -1 : 1
  return a.first - b.first
}

function tuple(set: SetNode, value: unknown, length: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length !== length) throw damaged(set, value)
  return value
}

function addresses<const V extends readonly unknown[]>(
  set: SetNode,
  family: Family,
  values: V,
): { [I in keyof V]: Address }
function addresses(set: SetNode, family: Family, values: readonly unknown[]): Address[] {
  return values.map((value) => {
    if (family === 4 && typeof value === 'number') return ip4(value)
    if (family === 6 && typeof value === 'bigint') return ip6(value)
    throw damaged(set, value)
  })
}

function classId(set: SetNode, value: unknown): ClassId {
  if (typeof value === 'number' && value >= 16 && value < 0x8000_0000) return value as ClassId
  throw damaged(set, value)
}

function portSetId(set: SetNode, value: unknown): PortSetId {
  if (typeof value === 'number' && value >= 0x8000_0000) return value as PortSetId
  throw damaged(set, value)
}

function protocol(set: SetNode, value: unknown) {
  const found = typeof value === 'number' ? protocolOf(value) : undefined
  if (found === undefined) throw damaged(set, value)
  return found
}

function port(set: SetNode, value: unknown) {
  const found = typeof value === 'number' ? parsePort(value) : undefined
  if (found === undefined) throw damaged(set, value)
  return found
}

function damaged(set: SetNode, value: unknown): DataplaneError {
  return new DataplaneError(
    'SLUICE_TABLE_DAMAGED',
    `${describeSet(set)} of table inet sluice holds ${String(value)}, which Sluice never writes; the table is built anew.`,
  )
}

/** Each element is one that the program could write, but not together with what the others say. */
function inconsistent(set: SetNode, what: string): DataplaneError {
  return new DataplaneError(
    'SLUICE_TABLE_DAMAGED',
    `${describeSet(set)} of table inet sluice does not agree with the rest of the table about ${what}; the table is built anew.`,
  )
}
