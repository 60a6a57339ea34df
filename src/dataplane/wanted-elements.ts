import { asPrimitive } from '../nftables/as-primitive.ts'
import type { Value } from '../nftables/datatypes.ts'
import type { AnyElement, AnyValue, SetNode } from '../nftables/set.ts'
import { type Address, type Family, ip4, ip6 } from '../policy/address.ts'
import type { Direction } from '../policy/model.ts'
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
  const origin = originOf.get(set)
  if (origin === undefined) return
  for (const key of origin.keys(state)) yield origin.at(state, key)
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
    .find((one) => identityOf(one) === identity)
}

/** The same for elements that cannot be in one set together, however they spell an interval of one key. */
export function identityOf({ key, last = key }: AnyElement): Value {
  const [from, to] = [asPrimitive(key), asPrimitive(last)]
  return from === to ? from : `${from}-${to}`
}

/** The sets whose elements follow from the state: not those of the packet path, and not what times out. */
export function wantedSets(): Iterable<SetNode> {
  return originOf.keys()
}

/** What the elements of a set follow from. */
interface Origin {
  /** Each leads to some elements, or to none. No two lead to the same. */
  readonly keys: (state: KernelState) => Iterable<unknown>
  /** The elements that a key of these or of an element leads to; none for one that Sluice never writes. */
  readonly at: (state: KernelState, key: unknown) => readonly AnyElement[]
}

const NONE: readonly AnyElement[] = []

function hasRest(set: SetNode): boolean {
  return FAMILIES.some((family) => set === sets.blockClass[family])
}

// What is there for each pod is read from the state itself, not by way of `elementChanges`: of what that makes, a start
// keeps so much that V8 makes it among what is old ever after, where only a collection of the whole heap finds it again.

function podClass(family: Family): Origin {
  return {
    keys: (state) => state.podClasses.keys(),
    at: (state, key) => {
      const address = addressIn(family, key)
      return address === undefined ? NONE : mapped(address, state.podClasses.get(address))
    },
  }
}

function member(direction: Direction, family: Family): Origin {
  return {
    keys: (state) => state.subjects[direction].keys(),
    at: (state, key) => {
      const subject = addressIn(family, key)
      if (subject === undefined) return NONE
      return state.subjects[direction].get(subject)?.member === true ? [{ key: subject }] : NONE
    },
  }
}

function ofDefault(direction: Direction, family: Family): Origin {
  return {
    keys: (state) => state.subjects[direction].keys(),
    at: (state, key) => {
      const subject = addressIn(family, key)
      if (subject === undefined) return NONE
      return mapped(subject, state.subjects[direction].get(subject)?.default)
    },
  }
}

function row(direction: Direction, family: Family): Origin {
  return {
    keys: (state) =>
      state.subjects[direction]
        .entries()
        .flatMap(([subject, { rows }]) => rows.keys().map((id) => [subject, id])),
    at: (state, key) => {
      const [first, id] = fieldsOf(key)
      const subject = addressIn(family, first)
      if (subject === undefined || typeof id !== 'number') return NONE
      return mapped([subject, id], state.subjects[direction].get(subject)?.rows.get(id as ClassId))
    },
  }
}

/** Of an address of a pod here, which is the last field of the key. */
function local(
  family: Family,
  keyOf: (address: Address, hostInterface: string) => AnyValue,
): Origin {
  return {
    keys: (state) => state.locals.keys(),
    at: (state, key) => {
      const address = addressIn(family, fieldsOf(key).at(-1))
      const hostInterface = address === undefined ? undefined : state.locals.get(address)
      if (address === undefined || hostInterface === undefined) return NONE
      return [{ key: keyOf(address, hostInterface) }]
    },
  }
}

const chainedInterface: Origin = {
  keys: (state) => state.chainedInterfaces.keys(),
  at: (state, key) =>
    typeof key === 'string' && state.chainedInterfaces.has(key) ? [{ key }] : NONE,
}

function portSet(set: SetNode): Origin {
  return {
    keys: (state) => state.portSets.keys(),
    at: (state, key) => {
      const id = fieldsOf(key)[0] as PortSetId
      const content = state.portSets.get(id)
      return content === undefined
        ? NONE
        : elementsIn(set, { kind: 'portSet', id, portSet: content })
    },
  }
}

/** By the port of the node, the last field of the key. There are few: all of them are looked through for any. */
function hostPort(set: SetNode): Origin {
  return {
    keys: (state) => new Set(state.hostPorts.values().map((one) => one.hostPort)),
    at: (state, key) => {
      const port = fieldsOf(key).at(-1)
      const mappings = state.hostPorts.values().filter((one) => one.hostPort === port)
      return hostPortOperationsOf(mappings.toArray()).flatMap((one) => elementsIn(set, one))
    },
  }
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

/** One is known only by all of them. */
function intervals(set: SetNode, operation: (state: KernelState) => Operation): Origin {
  return { keys: () => ['all'], at: (state) => elementsIn(set, operation(state)) }
}

const originOf: ReadonlyMap<SetNode, Origin> = new Map<SetNode, Origin>([
  ...FAMILIES.flatMap((family): [SetNode, Origin][] => [
    [sets.podClass[family], podClass(family)],
    ...DIRECTIONS.flatMap((direction): [SetNode, Origin][] => [
      [sets.members[direction][family], member(direction, family)],
      [sets.defaults[direction][family], ofDefault(direction, family)],
      [sets.rows[direction][family], row(direction, family)],
    ]),
    [sets.local[family], local(family, (address) => address)],
    [sets.self[family], local(family, (address) => [address, address])],
    [sets.podInterface[family], local(family, (address, name) => [name, address])],
    ...[sets.hostPorts[family], sets.hostPortsOfAddress[family]].map((set): [SetNode, Origin] => [
      set,
      hostPort(set),
    ]),
    [
      sets.blockClass[family],
      intervals(sets.blockClass[family], ({ blockClasses }) => {
        return { kind: 'blockClasses', family, blocks: blockClasses[family] }
      }),
    ],
    ...RANGE_KINDS.map((of): [SetNode, Origin] => [
      sets.ranges[of][family],
      intervals(sets.ranges[of][family], ({ ranges }) => {
        return { kind: 'ranges', of, family, ranges: ranges[of][family] }
      }),
    ]),
  ]),
  ...[sets.portsAll, sets.portsProto, sets.portsPort, sets.portsRange].map(
    (set): [SetNode, Origin] => [set, portSet(set)],
  ),
  [sets.chainedInterfaces, chainedInterface],
  [sets.hostPortNumbers, hostPort(sets.hostPortNumbers)],
])

function elementsIn(set: SetNode, operation: Operation): readonly AnyElement[] {
  return elementChanges(NOTHING, operation).flatMap((change) =>
    change.set === set ? change.add : [],
  )
}

const NOTHING = emptyKernelState()

function mapped(key: AnyValue, data: number | undefined): readonly AnyElement[] {
  return data === undefined ? NONE : [{ key, data }]
}

function fieldsOf(key: unknown): readonly unknown[] {
  return Array.isArray(key) ? key : [key]
}

/** Undefined for what is no address of the family. */
function addressIn(family: Family, value: unknown): Address | undefined {
  if (typeof value === 'number') return family === 4 ? ip4(value) : undefined
  return typeof value === 'bigint' && family === 6 ? ip6(value) : undefined
}
