import { join } from 'node:path'
import { cgroupOf } from './cgroup-of.ts'
import { Machine } from './machine.ts'
import type { Places } from './places.ts'

/** A machine of the cluster: on a copy-on-write layer of the Debian root, with the checkout mounted. */
export function startClusterMachine(name: string, places: Places): Promise<Machine> {
  const directory = join(places.directory, name)
  const script = join(import.meta.dirname, 'machine')
  return Machine.start({
    name,
    script: [script, name, places.root, directory, places.checkout, cgroupOf(name, places)],
    init: 'pause',
    logs: join(directory, 'log'),
    environment: ENVIRONMENT,
  })
}

const ENVIRONMENT = [
  'PATH=/opt/kubernetes:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
]
