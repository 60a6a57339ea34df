import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Dataplane } from '../../src/dataplane/dataplane.ts'
import {
  DIRECTIONS,
  emptyKernelState,
  type KernelState,
  tablesOf,
} from '../../src/dataplane/kernel-state.ts'
import { joinSilent } from '../../src/dataplane/join-silent.ts'
import type { Address } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { classOf } from '../../src/policy/decide.ts'
import { type ClusterEvent, type Direction, keyOf, type Pod } from '../../src/policy/model.ts'
import { portSetKey } from '../../src/policy/port-set.ts'
import type { PortSet } from '../../src/policy/ports.ts'
import type { PortSetId, TableChange } from '../../src/policy/tables.ts'
import { ADDRESSES, events } from '../policy/arbitraries.ts'

const EVERY_ADDRESS = [...ADDRESSES[4], ...ADDRESSES[6]]

test('a packet that is held up between two lookups, for however many commits, is judged by a state that it met', async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.infiniteStream(fc.boolean()), async (sequence, coins) => {
      const { dataplane, apply, expectRight } = watched()
      const compiler = new Compiler()
      const pods = new Map<string, Pod>()
      const toss = (): boolean => coins.next().value === true
      for (const event of sequence) {
        const replaced = replacedBy(event, pods)
        const silent = toss() ? replaced : new Set<Address>()
        for (const change of joinSilent(compiler.steps([event]), silent)) {
          if (change !== 'pause') await apply(change, silent)
        }
        if (toss()) {
          await dataplane.outlive()
          await dataplane.tidy()
        }
      }
      expectRight()
      await dataplane.outlive()
      await dataplane.tidy()
      expect(dataplane.isCalm).toBe(true)
      expect(tablesOf(dataplane.state)).toEqual(compiler.tables())
    }),
    { numRuns: 100 },
  )
})

/** Addresses of the pod that comes, changes or goes: its link may be down meanwhile. */
function replacedBy(event: ClusterEvent, pods: Map<string, Pod>): Set<Address> {
  if (event.kind !== 'pod' && event.kind !== 'podGone') return new Set()
  const key = event.kind === 'pod' ? keyOf(event.pod) : event.key
  const after = event.kind === 'pod' ? event.pod : undefined
  const before = pods.get(key)
  if (after === undefined) pods.delete(key)
  else pods.set(key, after)
  return new Set([before, after].flatMap((pod) => pod?.addresses ?? []))
}

/** What the kernel held one after the other; no packet is on its way from before a break until after it. */
interface Watched {
  readonly held: KernelState[]
  /** Grace periods. */
  readonly breaks: number[]
  /** Of these addresses no packet is on its way from one state to another. */
  readonly silences: { addresses: ReadonlySet<Address>; from: number; to: number }[]
}

function watched() {
  const seen: Watched = { held: [], breaks: [], silences: [] }
  const { held, breaks, silences } = seen
  const dataplane: Dataplane = new Dataplane(
    {
      commit: () => void held.push(structuredClone(dataplane.state)),
      read: () => Promise.reject(new Error('No answer was lost.')),
      gracePeriod: () => {
        breaks.push(held.length)
        return Promise.resolve()
      },
      yieldToOthers: () => Promise.resolve(),
    },
    emptyKernelState(),
  )
  const apply = async (change: TableChange, addresses: ReadonlySet<Address>): Promise<void> => {
    const from = held.length
    await dataplane.apply(change, addresses)
    silences.push({ addresses, from, to: held.length })
  }
  const expectRight = (): void => {
    held.push(structuredClone(dataplane.state))
    for (const pair of pairsIn(held)) {
      for (const states of periodsOf(pair, seen)) expectPeriod(states, pair)
    }
  }
  return { dataplane, apply, expectRight }
}

function* pairsIn(states: readonly KernelState[]): Generator<Pair> {
  for (const direction of DIRECTIONS) {
    const subjects = new Set(states.flatMap((state) => [...state.subjects[direction].keys()]))
    for (const subject of subjects) {
      for (const peer of EVERY_ADDRESS) {
        if (peer !== subject && typeof peer === typeof subject) yield { direction, subject, peer }
      }
    }
  }
}

/** States that one packet between the two can meet. */
function periodsOf({ subject, peer }: Pair, { held, breaks, silences }: Watched): KernelState[][] {
  const theirs = silences.filter(({ addresses }) => addresses.has(subject) || addresses.has(peer))
  const cuts = [
    ...breaks.map((at) => ({ from: at, to: at })),
    ...theirs,
    { from: held.length - 1, to: held.length },
  ]
  const periods: KernelState[][] = []
  let start = 0
  for (const { from, to } of cuts.toSorted((a, b) => a.from - b.from)) {
    periods.push(held.slice(start, from + 1))
    start = Math.max(start, to)
  }
  return periods
}

function expectPeriod(states: readonly KernelState[], pair: Pair): void {
  const straight = states.map((state) => [...verdicts([state], pair).keys()])
  for (const first of states.keys()) {
    for (const [verdict, last] of verdicts(states.slice(first), pair)) {
      expect(straight.slice(first, first + last + 1).flat()).toContain(verdict)
    }
  }
}

interface Pair {
  readonly direction: Direction
  readonly subject: Address
  readonly peer: Address
}

/**
 * What a packet can come to that begins in the first of these states and looks up each thing in that of the lookup
 * before or in any later one; each with the earliest state in which that can be.
 */
function verdicts(
  states: readonly KernelState[],
  { direction, subject, peer }: Pair,
): Map<string, number> {
  const found = new Map<string, number>()
  const subjectAt = (at: number) => states[at]?.subjects[direction].get(subject)
  if (subjectAt(0)?.member !== true) return found.set('not isolated', 0)
  const classes = earliest(states, 0, (state) => classOf(tablesOf(state), peer))
  for (const [id, classAt] of classes) {
    const rows = earliest(states, classAt, (_, at) => subjectAt(at)?.rows.get(id))
    for (const [row, rowAt] of rows) {
      const sets =
        row === undefined
          ? earliest(states, rowAt, (_, at) => subjectAt(at)?.default)
          : new Map([[row, rowAt]])
      for (const [portSet, setAt] of sets) {
        // `ports_range` publishes a moment late.
        for (const [content, at] of earliest(states, Math.max(0, setAt - 1), contentOf(portSet))) {
          found.set(content, Math.min(Math.max(at, setAt), found.get(content) ?? Infinity))
        }
      }
    }
  }
  return found
}

/** A port set that is not there looks to packets like an empty one. */
function contentOf(id: PortSetId | undefined): (state: KernelState) => string {
  if (id === undefined) return () => 'no port set'
  return ({ portSets }) => portSetKey(portSets.get(id) ?? NO_PORTS)
}

const NO_PORTS: PortSet = { kind: 'allow', all: false, protocols: [], ranges: [] }

/** Each value that a lookup can have from a state on, with the first state that has it. */
function earliest<T>(
  states: readonly KernelState[],
  from: number,
  lookUp: (state: KernelState, at: number) => T,
): Map<T, number> {
  const values = new Map<T, number>()
  for (const [at, state] of states.entries()) {
    if (at < from) continue
    const value = lookUp(state, at)
    if (!values.has(value)) values.set(value, at)
  }
  return values
}
