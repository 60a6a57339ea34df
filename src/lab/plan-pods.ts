import type { ManifestPod } from '../cluster/interpret.ts'
import { keyOf } from '../policy/model.ts'
import type { ObjectKey } from '../policy/model.ts'
import type { LabNode } from './lab-node.ts'
import type { LabPaths } from './lab-paths.ts'
import { declaredPorts, type LabPod } from './lab-pod.ts'
import { schedule } from './schedule.ts'

export interface PodPlanning {
  readonly nodes: readonly LabNode[]
  readonly paths: LabPaths
  readonly running: ReadonlyMap<ObjectKey, LabPod>
  readonly newUid: () => string
}

/**
 * The pods that shall run. One that runs already keeps its uid and addresses; a new one gets its addresses when
 * it is attached, or has its node's. Finished pods do not run.
 */
export function planPods(pods: readonly ManifestPod[], planning: PodPlanning): LabPod[] {
  const { nodes, running } = planning
  const lively = pods.filter(({ pod }) => pod.addressless !== 'finished')
  const homes = new Map([...running].map(([key, { node }]) => [key, node]))
  const placed = schedule(
    lively,
    nodes.map(({ name }) => name),
    homes,
  )
  return lively.map((one) => {
    const node = nodes.find(({ name }) => name === placed.get(keyOf(one.pod)))
    if (node === undefined) throw new Error(`Pod ${keyOf(one.pod)} has no node: the lab has none.`)
    return planPod(one, node, planning)
  })
}

function planPod(one: ManifestPod, node: LabNode, planning: PodPlanning): LabPod {
  const key = keyOf(one.pod)
  const before = planning.running.get(key)
  const hostNetwork = one.pod.addressless === 'hostNetwork'
  const described = { value: one.value, ports: declaredPorts(one) }
  if (before?.node === node.name && before.hostNetwork === hostNetwork) {
    return { ...before, ...described }
  }
  return {
    ...described,
    key,
    node: node.name,
    uid: planning.newUid(),
    hostNetwork,
    netns: hostNetwork ? node.netns : planning.paths.netns(`pod-${key.replace('/', '.')}`),
    addresses: hostNetwork ? node.addresses.own : [],
  }
}
