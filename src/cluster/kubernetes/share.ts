import { isDeepStrictEqual } from 'node:util'
import type { Pod } from '../../policy/model.ts'
import type { SourceChange } from '../source-change.ts'

/**
 * Makes a function that has each pod use what the pod before it has, where that is equal. Lists come sorted by
 * namespace and name, so that the pods of one Deployment, alike in most, follow each other: that saves a large
 * cluster a third of its memory.
 */
export function createSharing(): (change: SourceChange) => SourceChange {
  let last: Pod | undefined
  return (change) => {
    if (change.kind !== 'pod') return change
    const pod: Pod = last === undefined ? change.pod : sharedWith(last, change.pod)
    last = pod
    return { kind: 'pod', pod }
  }
}

function sharedWith(other: Pod, pod: Pod): Pod {
  const { namespace, labels, namedPorts, node } = other
  return {
    ...pod,
    ...(pod.namespace === namespace && { namespace }),
    ...(pod.node === node && { node }),
    ...(isDeepStrictEqual(pod.labels, labels) && { labels }),
    ...(isDeepStrictEqual(pod.namedPorts, namedPorts) && { namedPorts }),
  }
}
