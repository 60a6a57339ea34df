import type { Cluster } from './cluster.ts'

/** A network for pods, put on nodes that wait for one. */
export interface Cni {
  readonly name: string
  install(cluster: Cluster): Promise<void>
}
