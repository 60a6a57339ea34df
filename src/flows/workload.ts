import type { Pod } from '../policy/model.ts'

/** What made a pod, as its labels and name tell. */
export interface Workload {
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet' | 'Job'
  readonly name: string
}

/** As Kubernetes makes names unique (apimachinery: util/rand). */
const RANDOM = /-[a-z0-9]{5}$/u

/** How each controller names its pods, and the label that it leaves on them. */
const CONTROLLERS: readonly {
  readonly kind: Workload['kind']
  readonly label: string
  /** What of a pod's name comes after the workload's, for a value of the label. */
  readonly suffix: RegExp
  /** Whether the label's value comes before that. */
  readonly withValue: boolean
}[] = [
  { kind: 'Deployment', label: 'pod-template-hash', suffix: RANDOM, withValue: true },
  {
    kind: 'StatefulSet',
    label: 'statefulset.kubernetes.io/pod-name',
    suffix: /-[0-9]+$/u,
    withValue: false,
  },
  { kind: 'Job', label: 'job-name', suffix: RANDOM, withValue: false },
  { kind: 'DaemonSet', label: 'controller-revision-hash', suffix: RANDOM, withValue: false },
]

/**
 * The workload that a pod belongs to, from its labels: the owner itself is not kept for 100,000 pods.
 * Undefined for a pod that stands alone.
 */
export function workloadOf({ name, labels }: Pod): Workload | undefined {
  for (const { kind, label, suffix, withValue } of CONTROLLERS) {
    const value = labels.get(label)
    if (value === undefined || !suffix.test(name)) continue
    const before = name.replace(suffix, '')
    const end = withValue ? `-${value}` : ''
    if (before.endsWith(end)) return { kind, name: before.slice(0, before.length - end.length) }
  }
  return undefined
}
