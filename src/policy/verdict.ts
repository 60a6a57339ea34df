import type { ObjectKey } from './model.ts'

/** 'depends': on an address that is not known, or on which of its addresses a pod uses. */
export type Outcome = 'allow' | 'deny' | 'depends'

/** A flow passes if both directions allow it. */
export interface Verdict {
  readonly verdict: Outcome
  /** For a person: which policies and rules decided, and why. */
  readonly reason: string
  /** Out of the pod that the flow comes from. */
  readonly egress: DirectionVerdict
  /** Into the pod that it goes to. */
  readonly ingress: DirectionVerdict
}

export interface DirectionVerdict {
  readonly verdict: Outcome
  /** Policies that select the pod for this direction, sorted; none = it is open. */
  readonly isolatedBy: readonly ObjectKey[]
  readonly allowedBy: RuleRef | null
  /** For 'deny' the rule that fails on the fewest parts, for 'depends' the one that is in doubt. */
  readonly nearestMiss: NearestMiss | null
  /** Set when policy has no say in this flow. */
  readonly never?: 'own node' | 'self'
}

/** A place in a policy, such as `spec.ingress[0].from[1]`. */
export interface RuleRef {
  readonly policy: ObjectKey
  readonly path: string
}

export interface NearestMiss extends RuleRef {
  readonly fails: readonly RulePart[]
  /** What the rule names and what the flow has instead; no full stop. */
  readonly why: string
}

export type RulePart = 'peer' | 'protocol' | 'port'
