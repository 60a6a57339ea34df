import type { Address, Family } from './address.ts'
import type { Direction } from './model.ts'
import type { PortSet } from './ports.ts'

/** A peer class: 16 … 2³¹−1. 0–15 are what the kernel's own packet priorities may be. */
export type ClassId = number & { readonly __brand: 'class' }

/** A port set: bit 31 set; bit 30 as well when it is a deny-list. */
export type PortSetId = number & { readonly __brand: 'portSet' }

/** The class of every address that matches no peer in force. */
export const WORLD = 16 as ClassId

/** All addresses from `first` to `last` (both included, one family) that no pod owns have this class. */
export interface BlockClass {
  readonly first: Address
  readonly last: Address
  readonly class: ClassId
}

/** One local pod address and direction under policy: the port set for each class, and for all others. */
export interface SubjectVerdicts {
  readonly default: PortSetId
  /** Only where it differs from `default`. */
  readonly rows: ReadonlyMap<ClassId, PortSetId>
}

/**
 * The whole verdict function as data: what the kernel's maps hold, no more.
 *
 * verdict(subject, direction, peer) = the port set of `subjects[direction][subject]` for class(peer);
 * a subject that is not there is not isolated in that direction.
 */
export interface Tables {
  readonly portSets: ReadonlyMap<PortSetId, PortSet>
  /** Class of every address that a pod owns; it overrides that of its block. */
  readonly podClasses: ReadonlyMap<Address, ClassId>
  /** Disjoint, ascending, one list a family; addresses in none are `WORLD`. */
  readonly blockClasses: Readonly<Record<Family, readonly BlockClass[]>>
  readonly subjects: Readonly<Record<Direction, ReadonlyMap<Address, SubjectVerdicts>>>
}

/**
 * The difference between two `Tables`, as the compiler found it. What is not mentioned stays.
 *
 * Rules that the data plane relies on:
 * - ids are content: an id is never reused for another meaning, and grows monotonically;
 * - one change either moves addresses between classes that stay as they are, or switches verdicts of
 *   classes in use; never both. So a packet that sees the class from before and the verdict from after is
 *   judged by one of the two states, never by a mixture.
 */
export interface TableChange {
  readonly newPortSets: ReadonlyMap<PortSetId, PortSet>
  /** `undefined` = no pod owns the address any more: it has the class of its block again. */
  readonly podClasses: ReadonlyMap<Address, ClassId | undefined>
  /** The complete new list of a family, where it changed. */
  readonly blockClasses: Readonly<Partial<Record<Family, readonly BlockClass[]>>>
  /** `undefined` = no longer under policy in that direction. */
  readonly subjects: Readonly<Record<Direction, ReadonlyMap<Address, SubjectChange | undefined>>>
  /** Ids that nothing refers to once this change is in force. */
  readonly retiredClasses: readonly ClassId[]
  readonly retiredPortSets: readonly PortSetId[]
}

/** New or changed values of one subject; a row of `undefined` = as the default. */
export interface SubjectChange {
  readonly default: PortSetId
  readonly rows: ReadonlyMap<ClassId, PortSetId | undefined>
}
