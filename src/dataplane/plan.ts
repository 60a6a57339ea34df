import type { Address } from '../policy/address.ts'
import type { Direction } from '../policy/model.ts'
import type { ClassId, SubjectChange, TableChange } from '../policy/tables.ts'
import { DIRECTIONS, FAMILIES, isLive, type KernelState, type Operation } from './kernel-state.ts'

/** What is committed one after the other. Any of them may be empty. */
export interface Plan {
  /** Whatever nothing refers to yet. */
  readonly make: readonly Operation[]
  /** Rows that say what their class gets by default today, where they and the default are about to change together. */
  readonly spell: readonly Operation[]
  /** One map key a decision: classes of addresses, or rows, defaults and membership. */
  readonly switch: readonly Operation[]
  /** What nothing refers to any more. */
  readonly drop: readonly Operation[]
}

/**
 * Orders one change into transactions so that every packet, also one that straddles a commit and reads
 * some maps before and some after it, is judged by the state before the change or by the state after it.
 *
 * A change either moves addresses or switches verdicts (`TableChange`). A packet reads membership, then class,
 * then row, then default, then the port set. What can be made before is: port sets, rows of classes that no address
 * has, all values of subjects that are not members. What packets of silent addresses are judged by is all *make*:
 * there are none.
 *
 * @param silent addresses of pods whose links are down
 */
export function plan(
  state: KernelState,
  change: TableChange,
  silent: ReadonlySet<Address> = new Set(),
): Plan {
  const steps: Steps = { make: [], spell: [], switch: [], drop: [] }
  const retired = new Set(change.retiredClasses)
  for (const [id, portSet] of change.newPortSets) steps.make.push({ kind: 'portSet', id, portSet })
  for (const direction of DIRECTIONS) {
    for (const [subject, wanted] of change.subjects[direction]) {
      if (wanted === undefined) release(steps, state, direction, subject)
      else if (state.subjects[direction].get(subject)?.member === true) {
        amend(steps, state, direction, subject, wanted, retired)
      } else isolate(steps, direction, subject, wanted, silent)
    }
  }
  moveAddresses(steps, change, silent)
  retire(steps, state, change, retired)
  return steps
}

/** The steps in their order, without empty ones. */
export function stepsOf({ make, spell, switch: turn, drop }: Plan): (readonly Operation[])[] {
  return [make, spell, turn, drop].filter((step) => step.length > 0)
}

type Steps = { readonly [Name in keyof Plan]: Operation[] }

/** A subject under policy anew: nothing reads its values until membership, which comes last. */
function isolate(
  steps: Steps,
  direction: Direction,
  subject: Address,
  wanted: SubjectChange,
  silent: ReadonlySet<Address>,
): void {
  steps.make.push({ kind: 'default', direction, subject, portSet: wanted.default })
  for (const [id, portSet] of wanted.rows) {
    steps.make.push({ kind: 'row', direction, subject, class: id, portSet })
  }
  const step = silent.has(subject) ? steps.make : steps.switch
  step.push({ kind: 'member', direction, subject, member: true })
}

function release(steps: Steps, state: KernelState, direction: Direction, subject: Address): void {
  const held = state.subjects[direction].get(subject)
  if (held === undefined) return
  steps.switch.push({ kind: 'member', direction, subject, member: false })
  for (const id of held.rows.keys()) {
    steps.drop.push({ kind: 'row', direction, subject, class: id, portSet: undefined })
  }
  steps.drop.push({ kind: 'default', direction, subject, portSet: undefined })
}

/** New values for a subject that packets are judged by right now. */
function amend(
  steps: Steps,
  state: KernelState,
  direction: Direction,
  subject: Address,
  wanted: SubjectChange,
  retired: ReadonlySet<ClassId>,
): void {
  const held = state.subjects[direction].get(subject)
  const defaultChanges = held?.default !== wanted.default
  for (const [id, portSet] of wanted.rows) {
    const row = { kind: 'row', direction, subject, class: id } as const
    const before = held?.rows.get(id)
    if (before === portSet || retired.has(id)) continue
    if (!isLive(state, id)) {
      steps.make.push({ ...row, portSet })
      continue
    }
    // A packet could miss the new row and still read the new default: spell today's default out first.
    if (defaultChanges && before === undefined) {
      steps.spell.push({ ...row, portSet: held?.default })
    }
    steps.switch.push({ ...row, portSet })
  }
  if (defaultChanges) {
    steps.switch.push({ kind: 'default', direction, subject, portSet: wanted.default })
  }
}

function moveAddresses(steps: Steps, change: TableChange, silent: ReadonlySet<Address>): void {
  for (const [address, id] of change.podClasses) {
    const step = silent.has(address) ? steps.make : steps.switch
    step.push({ kind: 'podClass', address, class: id })
  }
  for (const family of FAMILIES) {
    const blocks = change.blockClasses[family]
    if (blocks !== undefined) steps.switch.push({ kind: 'blockClasses', family, blocks })
  }
}

/** Rows of retired classes stay until here: a packet may still carry the class from before the move. */
function retire(
  steps: Steps,
  state: KernelState,
  change: TableChange,
  retired: ReadonlySet<ClassId>,
): void {
  for (const direction of DIRECTIONS) {
    if (retired.size === 0) break
    for (const [subject, held] of state.subjects[direction]) {
      const released =
        change.subjects[direction].has(subject) &&
        change.subjects[direction].get(subject) === undefined
      if (released) continue
      for (const id of retired) {
        if (held.rows.has(id)) {
          steps.drop.push({ kind: 'row', direction, subject, class: id, portSet: undefined })
        }
      }
    }
  }
  for (const id of change.retiredPortSets) {
    steps.drop.push({ kind: 'portSet', id, portSet: undefined })
  }
}
