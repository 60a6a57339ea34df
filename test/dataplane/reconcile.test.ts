import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diff } from '../../src/dataplane/diff.ts'
import {
  emptyKernelState,
  highestClass,
  type KernelState,
  tablesOf,
} from '../../src/dataplane/kernel-state.ts'
import { plan, stepsOf } from '../../src/dataplane/plan.ts'
import { stages } from '../../src/dataplane/stages.ts'
import { Compiler } from '../../src/policy/compile.ts'
import type { TableChange, Tables } from '../../src/policy/tables.ts'
import { events } from '../policy/arbitraries.ts'
import { commitStep, commitWatched } from './straddling.ts'

describe('on the way from any verdicts to any others, a packet gets one of the two', () => {
  test('when an agent starts with other policies than its predecessor', () => {
    fc.assert(
      fc.property(events, events, (before, after) => {
        const state = inForce(new Compiler().apply(before))
        const compiler = new Compiler({
          firstClass: highestClass(state) + 1,
          portSetIds: state.portSets,
        })
        compiler.apply([...before, ...after])
        commitWatched(state, changesTo(state, compiler.tables()))
        expect(tablesOf(state)).toEqual(compiler.tables())
      }),
      { numRuns: 100 },
    )
  })

  test('when the kernel is behind by several changes of one compiler, of which it has half of one', () => {
    fc.assert(
      fc.property(events, events, fc.nat(3), (before, after, steps) => {
        const compiler = new Compiler()
        const state = inForce(compiler.apply(before))
        const [first] = compiler.apply(after)
        if (first !== undefined) {
          for (const step of stepsOf(plan(state, first)).slice(0, steps)) commitStep(state, step)
        }
        commitWatched(state, changesTo(state, compiler.tables()))
        expect(tablesOf(state)).toEqual(compiler.tables())
      }),
      { numRuns: 100 },
    )
  })
})

test('what is in force already needs no change', () => {
  fc.assert(
    fc.property(events, (sequence) => {
      const compiler = new Compiler()
      const state = inForce(compiler.apply(sequence))
      for (const change of changesTo(state, compiler.tables())) {
        expect(stepsOf(plan(state, change))).toEqual([])
      }
    }),
  )
})

test('an agent that finds its own policies in force leaves nobody without them for a moment', () => {
  fc.assert(
    fc.property(events, (sequence) => {
      const state = inForce(new Compiler().apply(sequence))
      const compiler = new Compiler({
        firstClass: highestClass(state) + 1,
        portSetIds: state.portSets,
      })
      compiler.apply(sequence)
      for (const change of changesTo(state, compiler.tables())) {
        for (const operation of stepsOf(plan(state, change)).flat()) {
          commitStep(state, [operation])
          expect(operation.kind).not.toBe('member')
        }
      }
    }),
  )
})

function inForce(changes: Iterable<TableChange>): KernelState {
  const state = emptyKernelState()
  for (const change of changes) commitStep(state, stepsOf(plan(state, change)).flat())
  return state
}

/** One by one, each when the one before has been committed. */
function* changesTo(state: KernelState, wanted: Tables): Generator<TableChange> {
  for (const stage of stages(tablesOf(state), wanted, highestClass(state))) {
    yield diff(state, stage)
  }
}
