import type { Address } from '../../src/policy/address.ts'

/** A pod that is to have a network. */
export interface PodPlan {
  readonly name: string
  /** Path. */
  readonly netns: string
  readonly addresses: readonly Address[]
}

/** What comes first: the pod's policy, as our ADD has it, or its link. */
export type StartOrder = 'policy-first' | 'link-first'

/** One at a time. */
export type NodeQuestion =
  /** The manifests say this now, and nothing else. */
  | { readonly kind: 'apply'; readonly text: string }
  | { readonly kind: 'start'; readonly pod: PodPlan; readonly order: StartOrder }
  | { readonly kind: 'remove'; readonly pods: readonly PodPlan[] }

/** Milliseconds of the monotonic clock. */
export type NodeAnswer =
  /** The parts are in force, questions may come. */
  | { readonly kind: 'ready' }
  /** `handedAtMs`: when the enforcer was given the change, already read and parsed. */
  | { readonly kind: 'applied'; readonly handedAtMs: number }
  /** `upAtMs`: when both ends of the link were up, with addresses and routes. */
  | { readonly kind: 'started'; readonly upAtMs: number }
  | { readonly kind: 'removed' }
  | { readonly kind: 'error'; readonly message: string }
