import type { Address, Family } from '../policy/address.ts'
import type { Direction } from '../policy/model.ts'
import type { PortSet } from '../policy/ports.ts'
import {
  type BlockClass,
  type ClassId,
  type PortSetId,
  type Tables,
  WORLD,
} from '../policy/tables.ts'
import { type HostPort, type HostPortNumber, keyOfHostPort, keyOfNumber } from './host-ports.ts'

/** What the maps hold for one local address in one direction. */
export interface SubjectState {
  /** In `in_pods`/`out_pods`: until then nothing else here is ever looked up. */
  member: boolean
  default: PortSetId | undefined
  readonly rows: Map<ClassId, PortSetId>
}

/**
 * What the agent has committed to the kernel's maps and sets, element for element. A dump of the table
 * decodes to the same shape, so that the two can be compared.
 */
export interface KernelState {
  readonly portSets: Map<PortSetId, PortSet>
  readonly podClasses: Map<Address, ClassId>
  readonly blockClasses: Record<Family, readonly BlockClass[]>
  readonly subjects: Record<Direction, Map<Address, SubjectState>>
  /** Addresses of pods wired on this node, each with its host interface. */
  readonly locals: Map<Address, string>
  /** By `keyOfHostPort`. */
  readonly hostPorts: Map<string, HostPort>
  /** Ports of the node that any of these is about, by `keyOfNumber`. */
  readonly hostPortNumbers: Set<string>
  /** Those of host interfaces that others made for one pod alone. */
  readonly chainedInterfaces: Set<string>
  /** Ranges by which what leaves the cluster, and what may come out of a tunnel, is told. */
  readonly ranges: Record<RangeKind, Record<Family, readonly AddressRange[]>>
  /** How many pod addresses and blocks have each class: one that is not here is fresh to every packet. */
  readonly classUses: Map<ClassId, number>
}

/** Of this node's pods; of all pods and nodes; of the nodes between which there may be tunnels. */
export type RangeKind = 'pods' | 'cluster' | 'tunnelEnds'

/** Both ends included. */
export interface AddressRange {
  readonly first: Address
  readonly last: Address
}

/** One assignment in the kernel; `undefined` takes the element away. */
export type Operation =
  | { readonly kind: 'portSet'; readonly id: PortSetId; readonly portSet: PortSet | undefined }
  | { readonly kind: 'podClass'; readonly address: Address; readonly class: ClassId | undefined }
  | {
      readonly kind: 'blockClasses'
      readonly family: Family
      readonly blocks: readonly BlockClass[]
    }
  | {
      readonly kind: 'row'
      readonly direction: Direction
      readonly subject: Address
      readonly class: ClassId
      readonly portSet: PortSetId | undefined
    }
  | {
      readonly kind: 'default'
      readonly direction: Direction
      readonly subject: Address
      readonly portSet: PortSetId | undefined
    }
  | {
      readonly kind: 'member'
      readonly direction: Direction
      readonly subject: Address
      readonly member: boolean
    }
  | {
      readonly kind: 'ranges'
      readonly of: RangeKind
      readonly family: Family
      /** Disjoint and ascending. */
      readonly ranges: readonly AddressRange[]
    }
  | { readonly kind: 'local'; readonly address: Address; readonly interface: string | undefined }
  | {
      readonly kind: 'chainedInterface'
      readonly interface: string
      readonly present: boolean
    }
  | { readonly kind: 'hostPort'; readonly mapping: HostPort; readonly present: boolean }
  | { readonly kind: 'hostPortNumber'; readonly number: HostPortNumber; readonly present: boolean }

export const DIRECTIONS = ['ingress', 'egress'] as const satisfies readonly Direction[]
export const RANGE_KINDS = ['pods', 'cluster', 'tunnelEnds'] as const satisfies readonly RangeKind[]
export const FAMILIES = [4, 6] as const satisfies readonly Family[]

export function emptyKernelState(): KernelState {
  return {
    portSets: new Map(),
    podClasses: new Map(),
    blockClasses: { 4: [], 6: [] },
    subjects: { ingress: new Map(), egress: new Map() },
    locals: new Map(),
    chainedInterfaces: new Set(),
    hostPorts: new Map(),
    hostPortNumbers: new Set(),
    ranges: {
      pods: { 4: [], 6: [] },
      cluster: { 4: [], 6: [] },
      tunnelEnds: { 4: [], 6: [] },
    },
    classUses: new Map(),
  }
}

/** Whether a packet can have this class now. */
export function isLive(state: KernelState, id: ClassId): boolean {
  return id === WORLD || state.classUses.has(id)
}

/** The highest class id that an address, a block or a row of the kernel names. */
export function highestClass(state: KernelState): number {
  let highest: number = WORLD
  for (const id of classesOf(state)) highest = Math.max(highest, id)
  return highest
}

/** Every class that an address, a block or a row of the kernel names. */
export function classesOf(state: KernelState): Set<ClassId> {
  const classes = new Set(state.classUses.keys())
  for (const direction of DIRECTIONS) {
    for (const { rows } of state.subjects[direction].values()) {
      for (const id of rows.keys()) classes.add(id)
    }
  }
  return classes
}

/** Brings `state` to what the kernel holds once `operation` has been committed. */
export function record(state: KernelState, operation: Operation): void {
  switch (operation.kind) {
    case 'portSet':
      return assign(state.portSets, operation.id, operation.portSet)
    case 'podClass':
      countUse(state, operation.class, 1)
      countUse(state, state.podClasses.get(operation.address), -1)
      return assign(state.podClasses, operation.address, operation.class)
    case 'blockClasses':
      for (const block of operation.blocks) countUse(state, block.class, 1)
      for (const block of state.blockClasses[operation.family]) countUse(state, block.class, -1)
      state.blockClasses[operation.family] = operation.blocks
      return
    case 'ranges':
      state.ranges[operation.of][operation.family] = operation.ranges
      return
    case 'local':
      return assign(state.locals, operation.address, operation.interface)
    case 'chainedInterface':
      if (operation.present) state.chainedInterfaces.add(operation.interface)
      else state.chainedInterfaces.delete(operation.interface)
      return
    case 'hostPort': {
      const { mapping, present } = operation
      return assign(state.hostPorts, keyOfHostPort(mapping), present ? mapping : undefined)
    }
    case 'hostPortNumber': {
      const key = keyOfNumber(operation.number)
      if (operation.present) state.hostPortNumbers.add(key)
      else state.hostPortNumbers.delete(key)
      return
    }
    case 'row':
    case 'default':
    case 'member':
      return recordSubject(state, operation)
  }
}

function recordSubject(
  state: KernelState,
  operation: Extract<Operation, { kind: 'row' | 'default' | 'member' }>,
): void {
  const subjects = state.subjects[operation.direction]
  let subject = subjects.get(operation.subject)
  if (subject === undefined) {
    subject = { member: false, default: undefined, rows: new Map() }
    subjects.set(operation.subject, subject)
  }
  if (operation.kind === 'row') assign(subject.rows, operation.class, operation.portSet)
  else if (operation.kind === 'default') subject.default = operation.portSet
  else subject.member = operation.member
  if (!subject.member && subject.default === undefined && subject.rows.size === 0) {
    subjects.delete(operation.subject)
  }
}

function countUse(state: KernelState, id: ClassId | undefined, by: 1 | -1): void {
  if (id === undefined) return
  const uses = (state.classUses.get(id) ?? 0) + by
  assign(state.classUses, id, uses === 0 ? undefined : uses)
}

function assign<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

/** The verdict function that the kernel enforces now: subjects that are not members yet are not in it. */
export function tablesOf(state: KernelState): Tables {
  return {
    portSets: state.portSets,
    podClasses: state.podClasses,
    blockClasses: state.blockClasses,
    subjects: { ingress: members(state, 'ingress'), egress: members(state, 'egress') },
  }
}

function members(state: KernelState, direction: Direction): Tables['subjects'][Direction] {
  const subjects = new Map<Address, { default: PortSetId; rows: ReadonlyMap<ClassId, PortSetId> }>()
  for (const [address, { member, default: portSet, rows }] of state.subjects[direction]) {
    if (member && portSet !== undefined) subjects.set(address, { default: portSet, rows })
  }
  return subjects
}
