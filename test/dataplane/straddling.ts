import { expect } from 'vitest'
import {
  DIRECTIONS,
  type KernelState,
  type Operation,
  record,
  tablesOf,
} from '../../src/dataplane/kernel-state.ts'
import { plan, stepsOf } from '../../src/dataplane/plan.ts'
import type { Address } from '../../src/policy/address.ts'
import { classOf } from '../../src/policy/decide.ts'
import type { Direction } from '../../src/policy/model.ts'
import { portSetKey } from '../../src/policy/port-set.ts'
import type { PortSetId, TableChange } from '../../src/policy/tables.ts'
import { ADDRESSES } from '../policy/arbitraries.ts'

/** What one packet reads, in the order of the program's lookups. */
const LOOKUPS = ['member', 'class', 'row', 'default', 'content'] as const
const EVERY_ADDRESS = [...ADDRESSES[4], ...ADDRESSES[6]]

/**
 * Commits these changes to `state`, one after the other, and expects of every packet on the way, also of
 * one that straddles a commit, the verdict from before the first of them or the one from after the last. Of addresses that arrive there are no
 * packets.
 */
export function commitWatched(
  state: KernelState,
  changes: Iterable<TableChange>,
  arriving: ReadonlySet<Address> = new Set(),
): void {
  const before = structuredClone(state)
  const snapshots = [before]
  for (const change of changes) {
    for (const step of stepsOf(plan(state, change, arriving))) {
      commitStep(state, step)
      snapshots.push(structuredClone(state))
    }
  }
  for (const direction of DIRECTIONS) {
    const subjects = new Set([before, state].flatMap((one) => [...one.subjects[direction].keys()]))
    for (const subject of subjects) {
      for (const peer of EVERY_ADDRESS) {
        if (arriving.has(subject) || arriving.has(peer)) continue
        if (peer === subject || typeof peer !== typeof subject) continue
        const right = [before, state].map((one) => read([one, one], 0, direction, subject, peer))
        snapshots.slice(1).forEach((after, index) => {
          const pair = [snapshots[index] ?? before, after] as const
          for (let straddle = 0; straddle <= LOOKUPS.length; straddle++) {
            expect(right).toContain(read(pair, straddle, direction, subject, peer))
          }
        })
      }
    }
  }
}

export function commitStep(state: KernelState, step: readonly Operation[]): void {
  for (const operation of step) record(state, operation)
}

/** The port set that a packet meets whose first `straddle` lookups see the older of the two states. */
function read(
  [older, newer]: readonly [KernelState, KernelState],
  straddle: number,
  direction: Direction,
  subject: Address,
  peer: Address,
): string {
  const at = (lookup: (typeof LOOKUPS)[number]): KernelState =>
    LOOKUPS.indexOf(lookup) < straddle ? older : newer
  if (at('member').subjects[direction].get(subject)?.member !== true) return 'not isolated'
  const id = classOf(tablesOf(at('class')), peer)
  const found: PortSetId | undefined =
    at('row').subjects[direction].get(subject)?.rows.get(id) ??
    at('default').subjects[direction].get(subject)?.default
  if (found === undefined) return 'no port set'
  // `ports_range` publishes late, so content may be the older one whatever the other lookups saw.
  const content = older.portSets.get(found) ?? at('content').portSets.get(found)
  if (content === undefined || (older !== newer && !older.portSets.has(found))) return 'no content'
  return portSetKey(content)
}
