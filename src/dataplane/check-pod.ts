import {
  type AnyElement,
  type AnyValue,
  describeSet,
  type Fields,
  type SetNode,
} from '../nftables/set.ts'
import { type Address, familyOf, formatAddress, ip4, ip6 } from '../policy/address.ts'
import { elementChanges } from './elements.ts'
import { hostPortOperations } from './host-port-operations.ts'
import { DIRECTIONS, emptyKernelState, type KernelState, type Operation } from './kernel-state.ts'
import type { PodPlace } from './pod-place.ts'
import { sets } from './sets.ts'

/** Those of the elements that the kernel has, as it has them. */
export type GetElements = (set: SetNode, elements: readonly AnyElement[]) => readonly AnyElement[]

/**
 * Compares what the kernel holds of one pod with what it was given: its addresses and interface, its class, and
 * its verdicts with the port sets that they name. Asks for each key alone, so that it costs the same whatever
 * else the table holds; a row for a class that should have none is not noticed.
 *
 * @param state what was committed
 * @returns a sentence for each difference
 */
export function checkPod(place: PodPlace, state: KernelState, get: GetElements): string[] {
  const wanted = new Map<SetNode, AnyElement[]>()
  for (const operation of operationsFor(place, state)) {
    for (const { set, add } of elementChanges(NOTHING, operation)) {
      wanted.set(set, [...(wanted.get(set) ?? []), ...add])
    }
  }
  const faults = [...wanted].flatMap(([set, elements]) =>
    elements.length === 0 ? [] : differences(set, elements, get(set, elements)),
  )
  const surplus = unwanted(place, state).flatMap(({ set, key }) =>
    get(set, [{ key }]).map((element) => `${inTable(set)} has ${text(set.key, element.key)}`),
  )
  return [...faults, ...surplus]
}

const NOTHING = emptyKernelState()

/** The assignments that would make, in an empty table, what there must be. */
function operationsFor(
  { addresses, hostInterface, hostPorts, ownsChained }: PodPlace,
  state: KernelState,
) {
  const operations: Operation[] = hostPortOperations(NOTHING, [], hostPorts)
  if (ownsChained) {
    operations.push({ kind: 'chainedInterface', interface: hostInterface, present: true })
  }
  for (const address of addresses) {
    operations.push({ kind: 'local', address, interface: hostInterface })
    operations.push({ kind: 'podClass', address, class: state.podClasses.get(address) })
    for (const direction of DIRECTIONS) {
      const held = state.subjects[direction].get(address)
      if (held === undefined) continue
      const subject = { direction, subject: address } as const
      operations.push({ kind: 'member', ...subject, member: held.member })
      operations.push({ kind: 'default', ...subject, portSet: held.default })
      for (const [id, portSet] of held.rows) {
        operations.push({ kind: 'row', ...subject, class: id, portSet })
      }
      for (const id of new Set([held.default, ...held.rows.values()])) {
        if (id === undefined) continue
        operations.push({ kind: 'portSet', id, portSet: state.portSets.get(id) })
      }
    }
  }
  return operations
}

/** What would isolate it, or class it, where nothing should. */
function unwanted(
  { addresses }: PodPlace,
  state: KernelState,
): { readonly set: SetNode; readonly key: Address }[] {
  return addresses.flatMap((key) => {
    const family = familyOf(key)
    const free = DIRECTIONS.filter((direction) => !state.subjects[direction].get(key)?.member)
    const members = free.map((direction) => ({ set: sets.members[direction][family], key }))
    const classes = state.podClasses.has(key) ? [] : [{ set: sets.podClass[family], key }]
    return [...members, ...classes]
  })
}

function differences(
  set: SetNode,
  wanted: readonly AnyElement[],
  found: readonly AnyElement[],
): string[] {
  const held = new Map(found.map((element) => [identity(element), element]))
  return wanted.flatMap((element) => {
    const other = held.get(identity(element))
    if (other === undefined) return `${inTable(set)} lacks ${text(set.key, element.key)}`
    if (String(other.data) === String(element.data)) return []
    return `${inTable(set)} leads ${text(set.key, element.key)} to ${text(set.data, other.data ?? [])} instead of ${text(set.data, element.data ?? [])}`
  })
}

function identity({ key, last }: AnyElement): string {
  return [key, last ?? key].flat().join(' ')
}

function inTable(set: SetNode): string {
  return `The ${describeSet(set)} of table inet sluice`
}

/** As nft writes it, but for numbers. */
function text(types: Fields, value: AnyValue): string {
  return [value]
    .flat()
    .map((value, index) => {
      if (types[index] === 'ipv4_addr' && typeof value === 'number')
        return formatAddress(ip4(value))
      return typeof value === 'bigint' ? formatAddress(ip6(value)) : String(value)
    })
    .join(' . ')
}
