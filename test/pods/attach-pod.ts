import { attachmentIdOf } from '../../src/pods/attachment.ts'
import type { PodRecord } from '../../src/pods/record.ts'
import type { Scene } from './parts.ts'

/** A pod as ADD leaves it. */
export function attachPod(name: string, scene: Scene): PodRecord {
  const key = { containerId: name, ifName: 'eth0' }
  const id = attachmentIdOf(key)
  const record: PodRecord = {
    ...key,
    id,
    network: 'sluice',
    portMappings: [],
    wiredBy: 'sluice',
    pod: { namespace: 'shop', name, uid: '' },
    hostInterface: id,
    addresses: scene.ipam.allocate(),
    netns: '/x',
    releasedAt: undefined,
  }
  scene.records.put(record)
  scene.interfaces.add(id)
  return record
}
