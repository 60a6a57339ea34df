import type { AnyElement, SetNode } from '../nftables/set.ts'
import { type Address, ip4, ip6 } from '../policy/address.ts'
import { type ClassId, type PortSetId, WORLD } from '../policy/tables.ts'
import { elementChanges } from './elements.ts'
import { type HostPort, keyOfNumber } from './host-ports.ts'
import {
  DIRECTIONS,
  emptyKernelState,
  FAMILIES,
  type KernelState,
  type Operation,
  RANGE_KINDS,
} from './kernel-state.ts'
import { sets } from './sets.ts'

/** The elements that a set of the table has to hold, by the state that was committed. */
export function* wantedElements(state: KernelState, set: SetNode): Generator<AnyElement> {
  for (const elements of wantedInSteps(state, set)) yield* elements
}

/**
 * The same in small steps, of which many hold nothing: one for each thing that could be in the set, such as the IPv4
 * addresses for a set of IPv6 addresses. Only the intervals of a set are one step.
 */
export function* wantedInSteps(
  state: KernelState,
  set: SetNode,
): Generator<readonly AnyElement[], void, undefined> {
  if (hasRest(set)) yield [{ key: '*', data: WORLD }]
  for (const operation of originOf.get(set)?.all(state) ?? []) yield elementsIn(set, operation)
}

/** The one with just this key (and end), if the set has to hold it. Costs the same whatever the size of the set. */
export function wantedElement(
  state: KernelState,
  set: SetNode,
  element: AnyElement,
): AnyElement | undefined {
  const identity = identityOf(element)
  return originOf
    .get(set)
    ?.at(state, element.key)
    .flatMap((operation) => elementsIn(set, operation))
    .find((one) => identityOf(one) === identity)
}

/** The same for elements that cannot be in one set together, however they spell an interval of one key. */
export function identityOf({ key, last }: AnyElement): string {
  const first = String(key)
  const end = last === undefined ? first : String(last)
  return first === end ? first : `${first}-${end}`
}

/** The sets whose elements follow from the state: not those of the packet path, and not what times out. */
export function wantedSets(): Iterable<SetNode> {
  return originOf.keys()
}

/** What makes the elements of some sets, in an empty table. */
interface Origin {
  readonly sets: readonly SetNode[]
  readonly all: (state: KernelState) => Iterable<Operation>
  /** Those that may have to do with a key; none for one that Sluice never writes. */
  readonly at: (state: KernelState, key: unknown) => readonly Operation[]
}

const NOTHING = emptyKernelState()

function hasRest(set: SetNode): boolean {
  return FAMILIES.some((family) => set === sets.blockClass[family])
}

function elementsIn(set: SetNode, operation: Operation): readonly AnyElement[] {
  return elementChanges(NOTHING, operation).flatMap((change) =>
    change.set === set ? change.add : [],
  )
}

const podClasses: Origin = {
  sets: Object.values(sets.podClass),
  all: (state) =>
    state.podClasses
      .entries()
      .map(([address, id]) => ({ kind: 'podClass', address, class: id }) as const),
  at: (state, key) =>
    addressesIn(key).map((address) => {
      return { kind: 'podClass', address, class: state.podClasses.get(address) }
    }),
}

const subjects: readonly Origin[] = DIRECTIONS.map((direction) => {
  const of = (state: KernelState, subject: Address): Operation[] => {
    const held = state.subjects[direction].get(subject)
    if (held === undefined) return []
    return [
      { kind: 'member', direction, subject, member: held.member },
      { kind: 'default', direction, subject, portSet: held.default },
    ]
  }
  return {
    sets: [...Object.values(sets.members[direction]), ...Object.values(sets.defaults[direction])],
    all: (state) => state.subjects[direction].keys().flatMap((subject) => of(state, subject)),
    at: (state, key) => addressesIn(key).flatMap((subject) => of(state, subject)),
  }
})

const rows: readonly Origin[] = DIRECTIONS.map((direction) => ({
  sets: Object.values(sets.rows[direction]),
  all: (state) =>
    state.subjects[direction].entries().flatMap(([subject, held]) =>
      held.rows.entries().map(([id, portSet]) => {
        return { kind: 'row', direction, subject, class: id, portSet } as const
      }),
    ),
  at: (state, key) => {
    const [subject, id] = fieldsOf(key)
    return addressesIn(subject).map((address) => ({
      kind: 'row',
      direction,
      subject: address,
      class: id as ClassId,
      portSet: state.subjects[direction].get(address)?.rows.get(id as ClassId),
    }))
  },
}))

const portSets: Origin = {
  sets: [sets.portsAll, sets.portsProto, sets.portsPort, sets.portsRange],
  all: (state) =>
    state.portSets.entries().map(([id, portSet]) => ({ kind: 'portSet', id, portSet }) as const),
  at: (state, key) => {
    const [id] = fieldsOf(key)
    const portSet = state.portSets.get(id as PortSetId)
    return portSet === undefined ? [] : [{ kind: 'portSet', id: id as PortSetId, portSet }]
  },
}

const locals: Origin = {
  sets: [sets.local, sets.self, sets.podInterface].flatMap((one) => Object.values(one)),
  all: (state) => state.locals.entries().map(([address, name]) => local(address, name)),
  at: (state, key) =>
    fieldsOf(key)
      .flatMap(addressesIn)
      .map((address) => local(address, state.locals.get(address))),
}

function local(address: Address, name: string | undefined): Operation {
  return { kind: 'local', address, interface: name }
}

const chainedInterfaces: Origin = {
  sets: [sets.chainedInterfaces],
  all: (state) => state.chainedInterfaces.values().map(chainedInterface),
  at: (state, key) =>
    typeof key === 'string' && state.chainedInterfaces.has(key) ? [chainedInterface(key)] : [],
}

function chainedInterface(name: string): Operation {
  return { kind: 'chainedInterface', interface: name, present: true }
}

/** There are few: all of them are looked through for any key. */
const hostPorts: Origin = {
  sets: [
    sets.hostPortNumbers,
    ...Object.values(sets.hostPorts),
    ...Object.values(sets.hostPortsOfAddress),
  ],
  all: (state) => hostPortOperationsOf([...state.hostPorts.values()]),
  at: (state, key) => {
    const port = fieldsOf(key).at(-1)
    const mappings = state.hostPorts.values().filter(({ hostPort }) => hostPort === port)
    return hostPortOperationsOf(mappings.toArray())
  },
}

function hostPortOperationsOf(mappings: readonly HostPort[]): Operation[] {
  const numbers = new Map(mappings.map((one) => [keyOfNumber(one), one]))
  return [
    ...mappings.map((mapping) => ({ kind: 'hostPort', mapping, present: true }) as const),
    ...numbers
      .values()
      .map((number) => ({ kind: 'hostPortNumber', number, present: true }) as const),
  ]
}

const intervals: readonly Origin[] = FAMILIES.flatMap((family) => [
  intervalsOf(sets.blockClass[family], (state) => ({
    kind: 'blockClasses',
    family,
    blocks: state.blockClasses[family],
  })),
  ...RANGE_KINDS.map((of) =>
    intervalsOf(sets.ranges[of][family], (state) => ({
      kind: 'ranges',
      of,
      family,
      ranges: state.ranges[of][family],
    })),
  ),
])

/** One is known only by all of them. */
function intervalsOf(set: SetNode, operation: (state: KernelState) => Operation): Origin {
  return {
    sets: [set],
    all: (state) => [operation(state)],
    at: (state) => [operation(state)],
  }
}

const originOf: ReadonlyMap<SetNode, Origin> = new Map(
  [
    podClasses,
    ...subjects,
    ...rows,
    portSets,
    locals,
    chainedInterfaces,
    hostPorts,
    ...intervals,
  ].flatMap((origin) => origin.sets.map((set): [SetNode, Origin] => [set, origin])),
)

function fieldsOf(key: unknown): readonly unknown[] {
  return Array.isArray(key) ? key : [key]
}

/** None for what is no address. */
function addressesIn(value: unknown): Address[] {
  if (typeof value === 'number') return [ip4(value)]
  return typeof value === 'bigint' ? [ip6(value)] : []
}
