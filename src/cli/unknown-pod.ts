import type { Cluster } from '../policy/cluster.ts'
import { nearest } from '../policy/parse/nearest.ts'

/** A sentence for a pod that the manifests do not have, with the name that was probably meant. */
export function unknownPod(key: string, cluster: Cluster): string {
  const keys = [...cluster.pods.keys()]
  const meant = nearest(key, keys) ?? keys.find((one) => one.startsWith(key))
  const remedy = meant === undefined ? 'Name one that they declare.' : `Did you mean ${meant}?`
  return `The manifests have no pod ${key}. ${remedy}`
}
