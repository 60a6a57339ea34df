import type { SourceChange } from '../../src/cluster/source-change.ts'
import { podAt, podChange } from './cluster.ts'
import {
  goneOf,
  namespaceScenario,
  type Place,
  policyScenario,
  relabelScenario,
  type Scenario,
} from './scenarios.ts'

/** A rollout replaces this share of the cluster at a time. */
const LIFE = 200
const OTHER_EVERY = 250
const OTHERS: readonly Scenario[] = [policyScenario, namespaceScenario, relabelScenario]

/**
 * Events of a busy cluster, mixed: pods come, live for a while and go; between them, now and then, policies, labels
 * of pods and labels of namespaces change. They leave the cluster as it was.
 *
 * @param count about how many
 */
export function churn(place: Place, count: number): SourceChange[] {
  const pods = Math.floor(count / 2)
  const life = Math.min(LIFE, pods)
  const changes: SourceChange[] = []
  for (let index = 0; index < pods + life; index++) {
    if (index < pods) changes.push(podChange(podAt(place.size, place.size.pods + index)))
    if (index >= life) changes.push(goneOf(podAt(place.size, place.size.pods + index - life)))
    if (index % OTHER_EVERY === 0) changes.push(...otherEvents(place, index / OTHER_EVERY, pods))
  }
  return changes
}

/** @param pods so many come by themselves; those of the scenarios are others */
function otherEvents(place: Place, turn: number, pods: number): SourceChange[] {
  const scenario = OTHERS[turn % OTHERS.length]
  return (scenario?.(place, pods + turn) ?? []).map(({ change }) => change)
}

/** In the order of events; the last batch may be smaller. */
export function batches<T>(events: readonly T[], size: number): T[][] {
  const count = Math.ceil(events.length / size)
  return Array.from({ length: count }, (_, index) => events.slice(index * size, (index + 1) * size))
}
