import type { RefusedObject } from '../cluster/state.ts'
import type { Repairs } from './open-guard.ts'
import type { CompilerStats } from '../policy/compile.ts'
import type { FlowCounts } from './flow-recorder.ts'

/** What an agent says of itself: `GET /status`, and what `sluice status` prints. */
export interface AgentStatus extends CompilerStats {
  readonly node: string
  /** Serving, with everything known so far in the kernel. */
  readonly ready: boolean
  /** Which content of the manifests the kernel enforces; null while it lags behind. */
  readonly revision: string | null
  /** Objects that cannot be used, and what holds instead. */
  readonly invalid: readonly RefusedObject[]
  /** Why the kernel lags behind, as a sentence; null when it does not. */
  readonly commitRefused: string | null
  /** What is not well with the source of truth, a sentence each. */
  readonly sourceProblems: readonly string[]
  /** What of the node's state defeats policy, a sentence each. */
  readonly hostProblems: readonly string[]
  /** Pods wired on this node. */
  readonly pods: number
  /** Packets of each counter of the table. */
  readonly packets: Readonly<Record<string, number>>
  /** Connections cut since the agent started. */
  readonly revokedConnections: number
  /** What others had changed in the table and was put right since the agent started. */
  readonly repairs: Repairs
  /** How often the whole table was read back and compared with what was committed. */
  readonly audits: number
  /** What became of packets that the program logged. */
  readonly flows: FlowCounts & {
    /** Why none are recorded, as a sentence; null when they are. */
    readonly problem: string | null
  }
}
