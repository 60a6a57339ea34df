import type { SourceChange } from '../source-change.ts'
import { createClient } from './client.ts'
import type { Credentials } from './credentials.ts'
import { Follower, type ResourceStatus } from './follower.ts'
import { getObject } from './get-object.ts'
import { getPod } from './get-pod.ts'
import { PODS, POLICIES, type Resource, RESOURCES } from './resources.ts'
import type { KubernetesSystem } from './system.ts'

export interface KubernetesSourceOptions {
  readonly credentials: Credentials
  readonly system: KubernetesSystem
  /**
   * Takes what the cluster says, in small batches for `ClusterState.apply`, from the first object on. Of each
   * kind, nothing more is read until it is done with a batch. If it fails, everything of that kind is told anew.
   */
  readonly onChanges: (changes: readonly SourceChange[]) => void | Promise<void>
  /** Something failed; it is tried again, and what was told before stays true as far as is known. */
  readonly onError: (error: Error) => void
}

/** The API server as the source of truth: namespaces, nodes, NetworkPolicies and pods of the whole cluster. */
export interface KubernetesSource {
  /** Resolves when everything there is has been told once. Never rejects; after `close` it may stay open. */
  readonly synced: Promise<void>
  /** One entry for each kind, for `sluice status`. */
  status(): readonly ResourceStatus[]
  /**
   * The pod as the server has it now, or `gone`: to be told to the cluster state like any other change.
   * @throws {ApiError} @throws {BrokenConnection} @throws {ProtocolError} when there is no answer to be had
   */
  getPod(namespace: string, name: string): Promise<SourceChange>
  /** The NetworkPolicy as the server has it now, or `gone`; to look at only. @throws as `getPod` */
  getPolicy(namespace: string, name: string): Promise<SourceChange>
  close(): void
}

/** Begins to follow the cluster, and goes on whatever happens until `close`. */
export function openKubernetesSource(options: KubernetesSourceOptions): KubernetesSource {
  const { credentials, system, onChanges, onError } = options
  const client = createClient(credentials, system)
  const closing = new AbortController()
  const { signal } = closing
  const follow = (resource: Resource): Follower => {
    const failed = (error: Error) => onError(failureOf(resource.path, error))
    const follower = new Follower(resource, {
      client,
      credentials,
      system,
      signal,
      tell: onChanges,
      onError: failed,
    })
    void follower.run()
    return follower
  }
  const pods = follow(PODS)
  const followers = [...RESOURCES.filter((resource) => resource !== PODS).map(follow), pods]
  return {
    synced: Promise.all(followers.map(({ synced }) => synced)).then(() => undefined),
    status: () => followers.map(({ status }) => status),
    getPod: (namespace, name) =>
      getPod({ namespace, name }, { client, inventory: pods.inventory, signal }),
    getPolicy: (namespace, name) => getObject(POLICIES, { namespace, name }, { client, signal }),
    close: () => {
      closing.abort()
      client.close()
    },
  }
}

function failureOf(path: string, error: Error): Error {
  return new Error(`${path} cannot be followed: ${error.message}`, { cause: error })
}
