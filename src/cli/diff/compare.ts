import type { Cluster } from '../../policy/cluster.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Flow } from '../../policy/flow.ts'
import type { Outcome } from '../../policy/verdict.ts'
import { addressGroups, type EndpointGroup, podGroups } from './endpoints.ts'
import { joinServices, serviceRanges, type ServiceRange } from './services.ts'

/** What one pair of ends gains or loses. */
export interface PairChange {
  readonly from: string
  readonly to: string
  readonly before: Outcome
  readonly after: Outcome
  readonly services: readonly ServiceRange[]
}

/**
 * Every pair of ends whose verdict differs between two clusters, on every port: exact, since ends and ports that
 * no policy of either tells apart are asked about once. Pods that only one of the two has are left out.
 */
export function compareClusters(before: Cluster, after: Cluster): PairChange[] {
  const pods = podGroups(before, after)
  const outside = addressGroups(before, after)
  const services = serviceRanges(before, after)
  const pairs = [
    ...pods.flatMap((from) => [...pods, ...outside].flatMap((to) => pairOf(from, to))),
    ...outside.flatMap((from) => pods.flatMap((to) => pairOf(from, to))),
  ]
  return pairs.flatMap((pair) => changesOf(pair, services, before, after))
}

/** Pods of only one of the clusters, by name. */
export function podsOnlyIn(one: Cluster, other: Cluster): string[] {
  return [...one.pods.keys()].filter((key) => !other.pods.has(key)).toSorted()
}

interface Pair {
  readonly names: { readonly from: string; readonly to: string }
  readonly ends: Pick<Flow, 'from' | 'to'>
}

/** None for a pod alone in its group with itself: policy has no say there. */
function pairOf(from: EndpointGroup, to: EndpointGroup): Pair[] {
  const end = from === to ? to.another : to.endpoint
  if (end === undefined) return []
  const names = { from: from.name, to: to.name }
  return [{ names, ends: { from: from.endpoint, to: end } }]
}

function changesOf(
  { names, ends }: Pair,
  services: readonly ServiceRange[],
  before: Cluster,
  after: Cluster,
): PairChange[] {
  const changed = services.flatMap((service) => {
    const flow = flowOf(ends, service)
    const [was, is] = [evaluate(before, flow).verdict, evaluate(after, flow).verdict]
    return was === is ? [] : [{ service, before: was, after: is }]
  })
  const kinds = Map.groupBy(changed, (change) => `${change.before} ${change.after}`)
  return [...kinds.values()].flatMap((alike) => {
    const [first] = alike
    if (first === undefined) return []
    const { before: was, after: is } = first
    const ranges = joinServices(alike.map(({ service }) => service))
    return [{ ...names, before: was, after: is, services: ranges }]
  })
}

function flowOf(ends: Pair['ends'], { protocol, first }: ServiceRange): Flow {
  return protocol === 'ICMP' ? { ...ends, protocol } : { ...ends, protocol, port: first }
}
