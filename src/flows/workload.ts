import type { Pod } from '../policy/model.ts'

/** What keeps a pod running. */
export interface Workload {
  /** Such as `Deployment`, `StatefulSet`, `Job`. */
  readonly kind: string
  readonly name: string
}

/**
 * The workload that a pod belongs to: its controller, or the Deployment behind a ReplicaSet. A Deployment names its
 * ReplicaSets after the hash that it puts on their pods. Undefined for a pod that stands alone.
 */
export function workloadOf({ controller, labels }: Pod): Workload | undefined {
  if (controller === undefined) return undefined
  const [kind = '', name = ''] = controller.split('/')
  const hash = labels.get('pod-template-hash')
  const ending = `-${hash}`
  if (kind !== 'ReplicaSet' || hash === undefined || !name.endsWith(ending)) return { kind, name }
  return { kind: 'Deployment', name: name.slice(0, -ending.length) }
}
