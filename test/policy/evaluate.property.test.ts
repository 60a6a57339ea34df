import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cluster } from '../../src/policy/cluster.ts'
import { evaluate } from '../../src/policy/evaluate.ts'
import { keyOf } from '../../src/policy/model.ts'
import type { NetworkPolicy } from '../../src/policy/model.ts'
import { cluster, flow, policy, rule } from './arbitraries.ts'

const flows = fc.array(flow, { minLength: 20, maxLength: 20, size: 'max' })
const runs = { numRuns: 300 }

function withPolicy(given: Cluster, added: NetworkPolicy): Cluster {
  return { ...given, policies: new Map([...given.policies, [keyOf(added), added]]) }
}

describe('whatever the cluster', () => {
  test('a flow between addresses has an answer, and it is that of both directions', () => {
    fc.assert(
      fc.property(cluster, flows, (given, all) => {
        for (const one of all) {
          const { verdict, egress, ingress } = evaluate(given, one)
          expect(verdict).not.toBe('depends')
          expect(verdict === 'allow').toBe(
            egress.verdict === 'allow' && ingress.verdict === 'allow',
          )
        }
      }),
      runs,
    )
  })

  test('each direction explains its answer', () => {
    fc.assert(
      fc.property(cluster, flows, (given, all) => {
        for (const one of all) {
          const { egress, ingress } = evaluate(given, one)
          for (const { verdict, isolatedBy, allowedBy, nearestMiss, never } of [egress, ingress]) {
            const open = isolatedBy.length === 0
            expect(verdict).toBe(
              open || allowedBy !== null || never !== undefined ? 'allow' : 'deny',
            )
            if (allowedBy !== null) expect(isolatedBy).toContain(allowedBy.policy)
            if (nearestMiss !== null) {
              expect(verdict).toBe('deny')
              expect(isolatedBy).toContain(nearestMiss.policy)
              expect(nearestMiss.fails.length).toBeGreaterThan(0)
              expect(nearestMiss.why).not.toBe('')
            }
          }
        }
      }),
      runs,
    )
  })

  test('the order in which objects came does not matter', () => {
    fc.assert(
      fc.property(cluster, flows, (given, all) => {
        const turned: Cluster = {
          namespaces: new Map([...given.namespaces].reverse()),
          pods: new Map([...given.pods].reverse()),
          policies: new Map([...given.policies].reverse()),
          nodes: new Map([...given.nodes].reverse()),
        }
        for (const one of all) expect(evaluate(turned, one)).toEqual(evaluate(given, one))
      }),
      runs,
    )
  })
})

describe('policies only add up', () => {
  test('a policy without rules never opens anything', () => {
    fc.assert(
      fc.property(cluster, policy, flows, (given, { podSelector }, all) => {
        const closing = { namespace: 'a', name: 'new', podSelector, ingress: [], egress: [] }
        for (const one of all) {
          const after = evaluate(withPolicy(given, closing), one).verdict
          if (after === 'allow') expect(evaluate(given, one).verdict).toBe('allow')
        }
      }),
      runs,
    )
  })

  test('one more rule never closes anything', () => {
    fc.assert(
      fc.property(cluster, fc.nat(), rule, flows, (given, choice, added, all) => {
        const old = [...given.policies.values()][choice % given.policies.size]
        fc.pre(old !== undefined)
        const more = {
          ...old,
          ingress: old.ingress && [added, ...old.ingress],
          egress: old.egress && [...old.egress, added],
        }
        for (const one of all) {
          const before = evaluate(given, one).verdict
          if (before === 'allow') {
            expect(evaluate(withPolicy(given, more), one).verdict).toBe('allow')
          }
        }
      }),
      runs,
    )
  })
})

test('random clusters isolate, allow and deny often enough to mean something', () => {
  const seen = { allowed: 0, missed: 0, bare: 0, open: 0 }
  const samples = fc.sample(fc.tuple(cluster, flows), { numRuns: 200, seed: 1 })
  for (const [given, all] of samples) {
    for (const one of all) {
      const { ingress } = evaluate(given, one)
      if (ingress.isolatedBy.length === 0) seen.open++
      else if (ingress.allowedBy !== null) seen.allowed++
      else if (ingress.nearestMiss !== null) seen.missed++
      else seen.bare++
    }
  }
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(40)
})
