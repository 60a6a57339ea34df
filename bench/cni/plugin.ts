/** A CNI plugin that is ready to be called on a node of its own. */
export interface Plugin {
  readonly name: string
  readonly program: string
  /** Network configuration. */
  readonly config: object
  /** Variables that are not of the CNI specification, and `CNI_PATH`. */
  readonly environment: Readonly<Record<string, string>>
  /** Whether it keeps out whom the policy of the pods does not name. */
  readonly enforces: boolean
  stop(): Promise<void>
}

/** What a plugin is started with. */
export interface PluginPlace {
  /** Path of the node's network namespace. */
  readonly netns: string
  /** A directory in memory. */
  readonly scratch: string
  /** Names of the pods that there will be; those of `namespace`. */
  readonly pods: readonly string[]
}

export const BENCH_NAMESPACE = 'bench'
/** The pod that policy allows to reach those that are measured, and one that it does not. */
export const FRIEND = 'pod-0'
export const STRANGER = 'pod-7'
/** TCP port that the policy opens to the friend. */
export const OPEN_PORT = 8080

export function uidOf(pod: string): string {
  return `uid-${pod}`
}
