import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diff } from '../../src/dataplane/diff.ts'
import {
  emptyKernelState,
  type KernelState,
  record,
  tablesOf,
} from '../../src/dataplane/kernel-state.ts'
import { plan, stepsOf } from '../../src/dataplane/plan.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { events } from '../policy/arbitraries.ts'

test('from whatever the kernel holds, the diff leads to what is wanted and leaves nothing else', () => {
  fc.assert(
    fc.property(events, events, fc.nat(3), (before, after, stepsLost) => {
      const state = stateAfter(before, stepsLost)
      const compiler = new Compiler({ firstClass: 100_000, portSetIds: state.portSets })
      compiler.apply(after)
      for (const operation of stepsOf(plan(state, diff(state, compiler.tables()))).flat()) {
        record(state, operation)
      }
      const fresh = emptyKernelState()
      for (const operation of stepsOf(plan(fresh, diff(fresh, compiler.tables()))).flat()) {
        record(fresh, operation)
      }
      expect(state).toEqual(fresh)
      expect(tablesOf(state)).toEqual(compiler.tables())
    }),
    { numRuns: 200 },
  )
})

test('what is already wanted needs no operation', () => {
  fc.assert(
    fc.property(events, (sequence) => {
      const compiler = new Compiler()
      const state = emptyKernelState()
      for (const change of compiler.apply(sequence)) {
        for (const operation of stepsOf(plan(state, change)).flat()) record(state, operation)
      }
      expect(stepsOf(plan(state, diff(state, compiler.tables())))).toEqual([])
    }),
  )
})

/** What an agent leaves behind that dies before the last steps of its last change. */
function stateAfter(sequence: Parameters<Compiler['apply']>[0], stepsLost: number): KernelState {
  const state = emptyKernelState()
  const changes = new Compiler().apply(sequence)
  changes.forEach((change, index) => {
    const steps = stepsOf(plan(state, change))
    const done = index === changes.length - 1 ? Math.max(0, steps.length - stepsLost) : steps.length
    for (const operation of steps.slice(0, done).flat()) record(state, operation)
  })
  return state
}
