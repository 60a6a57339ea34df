import type { ManifestPod } from '../cluster/interpret.ts'
import { keyOf } from '../policy/model.ts'
import type { ObjectKey } from '../policy/model.ts'

/**
 * Names of the nodes: those that pods ask for by `spec.nodeName`, sorted, then `node-1`, `node-2` and so on
 * until there are `count`. More than that if pods ask for more.
 */
export function nodeNames(pods: readonly ManifestPod[], count: number): string[] {
  const asked = new Set(pods.map(({ pod }) => pod.node).filter((name) => name !== ''))
  const names = [...asked].sort()
  for (let number = 1; names.length < count; number++) {
    if (!asked.has(`node-${number}`)) names.push(`node-${number}`)
  }
  return names.sort(byNumber)
}

/** So that node-10 follows node-9. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true })
}

/**
 * The node of each pod: the one that it asks for, else one after the other in the order of the manifests.
 * Pods that run already stay where they are.
 *
 * @throws Error that names a pod whose node there is not.
 */
export function schedule(
  pods: readonly ManifestPod[],
  nodes: readonly string[],
  running: ReadonlyMap<ObjectKey, string>,
): Map<ObjectKey, string> {
  let next = 0
  const placed = new Map<ObjectKey, string>()
  for (const { pod } of pods) {
    const key = keyOf(pod)
    if (pod.node !== '' && !nodes.includes(pod.node)) {
      throw new Error(`Pod ${key} asks for the node ${pod.node}, which this lab does not have.`)
    }
    const node = pod.node || running.get(key) || (nodes[next++ % nodes.length] ?? '')
    placed.set(key, node)
  }
  return placed
}
