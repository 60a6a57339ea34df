import { expect, test } from 'vitest'
import { churn } from '../../../bench/programming/churn.ts'
import { BENCH_NODE, clusterAt } from '../../../bench/programming/cluster.ts'
import {
  everyoneScenario,
  localRelabelScenario,
  namespaceScenario,
  podScenario,
  policyScenario,
  relabelScenario,
} from '../../../bench/programming/scenarios.ts'
import type { SourceChange } from '../../../src/cluster/source-change.ts'
import { ClusterState } from '../../../src/cluster/state.ts'
import { keyOf, type Pod } from '../../../src/policy/model.ts'

const SIZE = { pods: 1_000, policies: 200 }

test('a cluster has as many objects as asked for, with addresses of their own, a hundred pods on the node', () => {
  const { cluster, locals } = open()
  expect([cluster.pods.size, cluster.policies.size, locals.length]).toEqual([1_000, 200, 100])
  expect(new Set(cluster.pods.values().flatMap(({ addresses }) => addresses)).size).toBe(2_000)
  expect(
    new Set(locals.map(({ namespace, labels }) => `${namespace} ${labels.get('app')}`)).size,
  ).toBeGreaterThan(50)
})

const SCENARIOS = {
  everyoneScenario,
  localRelabelScenario,
  namespaceScenario,
  podScenario,
  policyScenario,
  relabelScenario,
}

test.each(Object.entries(SCENARIOS))(
  '%s changes something with each event and leaves the cluster as it was',
  (_, scenario) => {
    const { state, cluster, locals } = open()
    const before = textOf(cluster)
    for (const index of [0, 1, 57]) {
      const steps = scenario({ size: SIZE, locals }, index)
      expect(steps.filter(({ name }) => name !== undefined)).not.toEqual([])
      for (const { change } of steps) expect(state.apply([change])).toHaveLength(1)
      expect(textOf(cluster)).toBe(before)
    }
  },
)

test('churn changes something with each event and leaves the cluster as it was', () => {
  const { state, cluster, locals } = open()
  const before = textOf(cluster)
  const events: SourceChange[] = churn({ size: SIZE, locals }, 2_000)
  expect(Math.abs(events.length - 2_000)).toBeLessThan(100)
  for (const change of events) expect(state.apply([change])).toHaveLength(1)
  expect(textOf(cluster)).toBe(before)
})

function open(): { state: ClusterState; cluster: ClusterState['cluster']; locals: Pod[] } {
  const state = new ClusterState()
  state.apply(clusterAt(SIZE))
  const locals = [...state.cluster.pods.values()].filter(({ node }) => node === BENCH_NODE)
  return { state, cluster: state.cluster, locals }
}

function textOf({ pods, policies, namespaces }: ClusterState['cluster']): string {
  const labels = [...namespaces.values()].map((one) => `${one.name} ${[...one.labels].join()}`)
  const all = [...pods.values()].map((pod) => `${keyOf(pod)} ${[...pod.labels].join()}`)
  return [...labels, ...all, ...policies.keys()].sort().join('\n')
}
