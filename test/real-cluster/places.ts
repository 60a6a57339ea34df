import { join, resolve } from 'node:path'

/** Where the cluster finds and keeps things on the machine that runs it. */
export interface Places {
  /** The Debian root that all machines share, as `build` leaves it. */
  readonly root: string
  /** What machines write, logs included. On a disk: layers of containers cannot lie in an overlay or a tmpfs. */
  readonly directory: string
  readonly checkout: string
  /** The cgroup above those of the machines. */
  readonly cgroup: string
}

export function placesOf(environment: NodeJS.ProcessEnv): Places {
  const cache = environment['SLUICE_KUBERNETES_CACHE'] ?? '/var/cache/sluice/kubernetes-1.20.2'
  return {
    root: join(cache, 'root'),
    directory: environment['SLUICE_CLUSTER_DIRECTORY'] ?? '/var/lib/sluice-cluster',
    checkout: resolve(import.meta.dirname, '../..'),
    cgroup: 'sluice-cluster',
  }
}
