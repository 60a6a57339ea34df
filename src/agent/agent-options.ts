import type { Logger } from 'pino'
import type { NetworkOptions } from './cluster-network.ts'

export interface AgentOptions extends NetworkOptions {
  /** The source of truth: a directory of manifests, or the Kubernetes API (in a pod, without a kubeconfig). */
  readonly source:
    | { readonly kind: 'manifests'; readonly directory: string }
    | { readonly kind: 'kubernetes'; readonly kubeconfig: string | undefined }
  /** Sockets, records and queued deletions, on tmpfs. */
  readonly runDirectory: string
  /** The network namespace to be the agent of; its own without. */
  readonly netns: string | undefined
  readonly deny: 'drop' | 'reject'
  /** What a pod gets that nobody has told of, in a namespace with policies. */
  readonly unknownPods: 'isolate' | 'refuse'
  /** Another plugin wires the pods; this agent only enforces policy on them. */
  readonly chained: boolean
  /** Ports of the node that lead to pods do so on 127.0.0.1 as well. */
  readonly localhostHostPorts: boolean
  /** How long an address rests before another pod gets it. */
  readonly addressCooldownMs: number
  /** Where /proc/sys can be written: in a container it is read-only, and the node's net part mounted elsewhere. */
  readonly procSys: string
  /** Whether others are kept from changing the table, and whether what they do change is put right. */
  readonly guard: GuardMode
  /** Between two looks at the whole table. */
  readonly auditIntervalMs: number
  /** NFLOG group of denied packets. */
  readonly logGroup: number
  /** One in so many allowed connections goes into the log too; none without. */
  readonly logAllowed: number | undefined
  /** Of pod links, in bytes; without, what suits the node's links. */
  readonly mtu: number | undefined
  /** Port of localhost for health, readiness and metrics; none without. */
  readonly httpPort: number | undefined
  /** The file that makes the container runtime call us, written last; none without. */
  readonly cniConfig: string | undefined
  readonly log: Logger
}

/** `own`, `watch` where the kernel cannot do that, or `off`: the table is anybody's. */
export type GuardMode = 'own' | 'watch' | 'off'
