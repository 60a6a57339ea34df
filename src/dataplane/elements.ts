import type { AnyElement, SetNode } from '../nftables/set.ts'
import { familyOf } from '../policy/address.ts'
import type { PortSet } from '../policy/ports.ts'
import type { BlockClass, PortSetId } from '../policy/tables.ts'
import { type HostPort, keyOfHostPort, keyOfNumber } from './host-ports.ts'
import type { AddressRange, KernelState, Operation } from './kernel-state.ts'
import { PROTOCOL_NUMBERS } from './protocols.ts'
import { sets } from './sets.ts'

/** What one operation does to one set: `remove` comes before `add`, so a map key with both is replaced. */
export interface ElementChange {
  readonly set: SetNode
  readonly remove: readonly AnyElement[]
  readonly add: readonly AnyElement[]
}

/** The set elements by which `operation` turns the kernel from `state` to what is wanted. */
export function elementChanges(state: KernelState, operation: Operation): ElementChange[] {
  switch (operation.kind) {
    case 'portSet':
      return portSetElements(state, operation)
    case 'podClass': {
      const { address } = operation
      const held = state.podClasses.get(address)
      return [assign(sets.podClass[familyOf(address)], address, held, operation.class)]
    }
    case 'blockClasses':
      return [blockElements(state.blockClasses[operation.family], operation)]
    case 'row': {
      const { direction, subject } = operation
      const held = state.subjects[direction].get(subject)?.rows.get(operation.class)
      const key = [subject, operation.class]
      return [assign(sets.rows[direction][familyOf(subject)], key, held, operation.portSet)]
    }
    case 'default': {
      const { direction, subject } = operation
      const held = state.subjects[direction].get(subject)?.default
      return [assign(sets.defaults[direction][familyOf(subject)], subject, held, operation.portSet)]
    }
    case 'member': {
      const { direction, subject, member } = operation
      const held = state.subjects[direction].get(subject)?.member === true
      return [present(sets.members[direction][familyOf(subject)], subject, held, member)]
    }
    case 'ranges': {
      const { of, family, ranges } = operation
      return [exchange(sets.ranges[of][family], state.ranges[of][family], ranges)]
    }
    case 'local':
      return localElements(state, operation)
    case 'chainedInterface': {
      const { interface: name } = operation
      const held = state.chainedInterfaces.has(name)
      return [present(sets.chainedInterfaces, name, held, operation.present)]
    }
    case 'hostPort':
      return [hostPortElements(state, operation)]
    case 'hostPortNumber': {
      const { number, present: wanted } = operation
      const held = state.hostPortNumbers.has(keyOfNumber(number))
      const key = [PROTOCOL_NUMBERS[number.protocol], number.hostPort]
      return [present(sets.hostPortNumbers, key, held, wanted)]
    }
  }
}

function assign(
  set: SetNode,
  key: AnyElement['key'],
  held: number | undefined,
  wanted: number | undefined,
): ElementChange {
  if (held === wanted) return { set, remove: [], add: [] }
  return {
    set,
    remove: held === undefined ? [] : [{ key, data: held }],
    add: wanted === undefined ? [] : [{ key, data: wanted }],
  }
}

function present(
  set: SetNode,
  key: AnyElement['key'],
  held: boolean,
  wanted: boolean,
): ElementChange {
  if (held === wanted) return { set, remove: [], add: [] }
  return { set, remove: held ? [{ key }] : [], add: wanted ? [{ key }] : [] }
}

function portSetElements(
  state: KernelState,
  operation: Extract<Operation, { kind: 'portSet' }>,
): ElementChange[] {
  const held = contentElements(operation.id, state.portSets.get(operation.id))
  const wanted = contentElements(operation.id, operation.portSet)
  // An id is its content: it is there or not, and never changes.
  return wanted.length > 0 && held.length > 0
    ? []
    : [
        ...held.map(({ set, elements }) => ({ set, remove: elements, add: [] })),
        ...wanted.map(({ set, elements }) => ({ set, remove: [], add: elements })),
      ]
}

/** The rows of the four port sets' sets that spell out one port set. */
function contentElements(
  id: PortSetId,
  content: PortSet | undefined,
): { set: SetNode; elements: AnyElement[] }[] {
  if (content === undefined) return []
  const single: AnyElement[] = []
  const ranges: AnyElement[] = []
  for (const { protocol, first, last } of content.ranges) {
    const number = PROTOCOL_NUMBERS[protocol]
    if (first === last) single.push({ key: [id, number, first] })
    else ranges.push({ key: [id, number, first], last: [id, number, last] })
  }
  return [
    { set: sets.portsAll, elements: content.all ? [{ key: id }] : [] },
    {
      set: sets.portsProto,
      elements: content.protocols.map((protocol) => ({ key: [id, PROTOCOL_NUMBERS[protocol]] })),
    },
    { set: sets.portsPort, elements: single },
    { set: sets.portsRange, elements: ranges },
  ].filter(({ elements }) => elements.length > 0)
}

function blockElements(
  held: readonly BlockClass[],
  { family, blocks }: Extract<Operation, { kind: 'blockClasses' }>,
): ElementChange {
  return exchange(sets.blockClass[family], held, blocks)
}

/** Intervals of `held` that are not wanted go, those that are missing come. */
function exchange(
  set: SetNode,
  held: readonly (AddressRange | BlockClass)[],
  wanted: readonly (AddressRange | BlockClass)[],
): ElementChange {
  const keep = new Set(wanted.map(identity))
  const have = new Set(held.map(identity))
  return {
    set,
    remove: held.filter((range) => !keep.has(identity(range))).map(intervalElement),
    add: wanted.filter((range) => !have.has(identity(range))).map(intervalElement),
  }
}

function identity(range: AddressRange | BlockClass): string {
  return `${range.first}-${range.last}-${'class' in range ? range.class : ''}`
}

function intervalElement(range: AddressRange | BlockClass): AnyElement {
  const key = { key: range.first, last: range.last }
  return 'class' in range ? { ...key, data: range.class } : key
}

function localElements(
  state: KernelState,
  { address, interface: wanted }: Extract<Operation, { kind: 'local' }>,
): ElementChange[] {
  const family = familyOf(address)
  const held = state.locals.get(address)
  if (held === wanted) return []
  const key = (name: string): AnyElement => ({ key: [name, address] })
  return [
    present(sets.local[family], address, held !== undefined, wanted !== undefined),
    present(sets.self[family], [address, address], held !== undefined, wanted !== undefined),
    {
      set: sets.podInterface[family],
      remove: held === undefined ? [] : [key(held)],
      add: wanted === undefined ? [] : [key(wanted)],
    },
  ]
}

function hostPortElements(
  state: KernelState,
  { mapping, present: wanted }: Extract<Operation, { kind: 'hostPort' }>,
): ElementChange {
  const held = state.hostPorts.get(keyOfHostPort(mapping))
  const { set, element } = hostPortElement(mapping)
  if (wanted ? held !== undefined && leadsTo(held, mapping) : held === undefined) {
    return { set, remove: [], add: [] }
  }
  return {
    set,
    remove: held === undefined ? [] : [hostPortElement(held).element],
    add: wanted ? [element] : [],
  }
}

/** Where a mapping is kept, and as what. */
function hostPortElement(mapping: HostPort): { set: SetNode; element: AnyElement } {
  const { protocol, hostIp, hostPort, address, containerPort } = mapping
  const family = familyOf(address)
  const key = [PROTOCOL_NUMBERS[protocol], hostPort]
  const data = [address, containerPort]
  return hostIp === undefined
    ? { set: sets.hostPorts[family], element: { key, data } }
    : { set: sets.hostPortsOfAddress[family], element: { key: [hostIp, ...key], data } }
}

function leadsTo(a: HostPort, b: HostPort): boolean {
  return a.address === b.address && a.containerPort === b.containerPort
}
