import type { ObjectVersion } from '../cluster/object-version.ts'
import type { RulePlace } from '../cluster/rule-place.ts'
import type { SourceChange } from '../cluster/source-change.ts'
import type { ClusterState } from '../cluster/state.ts'
import type { Attachment } from '../pods/attachment.ts'
import type { Address, Cidr } from '../policy/address.ts'
import type { ClusterEvent, ObjectKey } from '../policy/model.ts'
import type { RuleRef } from '../policy/verdict.ts'

/** Where the agent learns of the cluster: a directory of manifests, or the Kubernetes API. */
export interface AgentSource {
  /** Resolves when everything there is has been told once. */
  readonly synced: Promise<void>
  /** Asks for one pod, for when what was told is behind; undefined where that cannot be. */
  readonly lookUp: ((attachment: Attachment) => Promise<SourceChange>) | undefined
  /**
   * The policy as the source has it now, whatever it has told so far: read or asked for anew. Undefined where it has
   * none of this name.
   *
   * @throws a sentence when the source cannot be read
   */
  readonly policyNow: (key: ObjectKey) => Promise<SourcePolicy | undefined>
  /** The nodes of the cluster by name, if it speaks of nodes. */
  nodes(): ReadonlyMap<string, ClusterNode>
  /** Where a rule is written, if it is in files. */
  placeOf(rule: RuleRef): Partial<RulePlace>
  /** One line for each part of it that is not well, for status. */
  problems(): readonly string[]
  close(): void
}

export interface SourcePolicy {
  readonly version: ObjectVersion
  /** Why this version cannot be used, a sentence for each field; empty when it can. */
  readonly problems: readonly string[]
}

export interface ClusterNode {
  readonly podCidrs: readonly Cidr[]
  readonly addresses: readonly Address[]
}

/**
 * Takes what a source says, as a change to the cluster state.
 *
 * @param revision which content of the source this is, where it has such
 */
export type Tell = (
  change: (state: ClusterState) => ClusterEvent[],
  revision?: string,
) => Promise<void>
