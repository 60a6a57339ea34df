import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DIRECTIONS, emptyKernelState, tablesOf } from '../../src/dataplane/kernel-state.ts'
import { joinSilent } from '../../src/dataplane/join-silent.ts'
import { plan, stepsOf } from '../../src/dataplane/plan.ts'
import type { Address } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import type { ClusterEvent } from '../../src/policy/model.ts'
import { EVERYTHING } from '../../src/policy/selector.ts'
import { events, pod, POD_ADDRESSES } from '../policy/arbitraries.ts'
import { commitStep, commitWatched } from './straddling.ts'

/** Of the compiler: each change moves one address, two, or all. */
const addressesAtOnce = fc.constantFrom(1, 2, 2000)

describe('plan', () => {
  test('a packet that straddles a commit is judged by the state before the change or the one after', () => {
    fc.assert(
      fc.property(events, addressesAtOnce, (sequence, atOnce) => {
        const compiler = new Compiler({ addressesAtOnce: atOnce })
        const state = emptyKernelState()
        for (const change of sequence.flatMap((event) => compiler.apply([event]))) {
          commitWatched(state, [change])
        }
      }),
      { numRuns: 150 },
    )
  })

  test('nor is a packet of others misjudged while a pod arrives', () => {
    fc.assert(
      fc.property(events, pod, addressesAtOnce, (sequence, pod, atOnce) => {
        const compiler = new Compiler({ addressesAtOnce: atOnce })
        const state = emptyKernelState()
        for (const change of compiler.apply(sequence))
          commitStep(state, stepsOf(plan(state, change)).flat())
        const arriving = new Set(pod.addresses)
        for (const change of joinSilent(compiler.steps([{ kind: 'pod', pod }]), arriving)) {
          if (change !== 'pause') commitWatched(state, [change], arriving)
        }
        expect(tablesOf(state)).toEqual(compiler.tables())
      }),
      { numRuns: 150 },
    )
  })

  test('a pod that arrives, of classes and port sets that are known, is one transaction', () => {
    const compiler = new Compiler()
    const state = emptyKernelState()
    const commit = (event: ClusterEvent, arriving: readonly Address[]): number => {
      const addresses = new Set(arriving)
      let steps = 0
      for (const change of joinSilent(compiler.steps([event]), addresses)) {
        for (const step of change === 'pause' ? [] : stepsOf(plan(state, change, addresses))) {
          commitStep(state, step)
          steps++
        }
      }
      return steps
    }
    const policy = {
      namespace: 'a',
      name: 'own',
      podSelector: EVERYTHING,
      ingress: [{ peers: [OWN_NAMESPACE], ports: 'all' }],
      egress: [{ peers: [OWN_NAMESPACE], ports: 'all' }],
    } as const
    commit({ kind: 'policy', policy }, [])
    commit(podAt('first', POD_ADDRESSES[4].slice(0, 1)), [])
    const addresses = POD_ADDRESSES[4].slice(1, 3)
    expect(commit(podAt('second', addresses), addresses)).toBe(1)
    expect(tablesOf(state)).toEqual(compiler.tables())
  })

  test('after all steps the kernel holds what the compiler wants, and nothing else', () => {
    fc.assert(
      fc.property(events, (sequence) => {
        const compiler = new Compiler()
        const state = emptyKernelState()
        for (const change of compiler.apply(sequence))
          commitStep(state, stepsOf(plan(state, change)).flat())
        expect(tablesOf(state)).toEqual(compiler.tables())
        for (const direction of DIRECTIONS) {
          expect(state.subjects[direction].size).toBe(compiler.tables().subjects[direction].size)
        }
      }),
      { numRuns: 300 },
    )
  })
})

const OWN_NAMESPACE = { kind: 'pods', namespaces: 'own', pods: EVERYTHING } as const

function podAt(name: string, addresses: readonly Address[]): ClusterEvent {
  const [namespace, uid, node] = ['a', name, 'n1']
  const rest = { labels: new Map(), namedPorts: [], createdAt: 0, local: true }
  return { kind: 'pod', pod: { namespace, name, uid, node, addresses, ...rest } }
}
