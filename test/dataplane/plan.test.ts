import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DIRECTIONS, emptyKernelState, tablesOf } from '../../src/dataplane/kernel-state.ts'
import { plan } from '../../src/dataplane/plan.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { events } from '../policy/arbitraries.ts'
import { commitStep, commitWatched } from './straddling.ts'

describe('plan', () => {
  test('a packet that straddles a commit is judged by the state before the change or the one after', () => {
    fc.assert(
      fc.property(events, (sequence) => {
        const compiler = new Compiler()
        const state = emptyKernelState()
        for (const change of sequence.flatMap((event) => compiler.apply([event]))) {
          commitWatched(state, [change])
        }
      }),
      { numRuns: 150 },
    )
  })

  test('after all steps the kernel holds what the compiler wants, and nothing else', () => {
    fc.assert(
      fc.property(events, (sequence) => {
        const compiler = new Compiler()
        const state = emptyKernelState()
        for (const change of compiler.apply(sequence)) commitStep(state, plan(state, change).flat())
        expect(tablesOf(state)).toEqual(compiler.tables())
        for (const direction of DIRECTIONS) {
          expect(state.subjects[direction].size).toBe(compiler.tables().subjects[direction].size)
        }
      }),
      { numRuns: 300 },
    )
  })
})
