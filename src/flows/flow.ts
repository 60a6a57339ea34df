import type { Direction, ObjectKey } from '../policy/model.ts'
import type { NearestMiss, RuleRef } from '../policy/verdict.ts'
import type { Workload } from './workload.ts'

/** Packets of one connection attempt and its repetitions, told once: what `sluice flows -o json` prints. */
export interface Flow {
  /** Of its first and its latest packet, in the form of ISO 8601, UTC. */
  readonly firstAt: string
  lastAt: string
  /** Logged packets: those over the kernel's rate limit are not among them. */
  packets: number
  readonly verdict: 'allow' | 'deny'
  /** Whose policy spoke: egress is that of the source, ingress that of the destination. */
  readonly direction: Direction
  readonly protocol: string
  /** Of the destination; null in protocols without ports. */
  readonly port: number | null
  readonly from: FlowEnd
  readonly to: FlowEnd
  /** The sentence of `sluice explain`. */
  readonly reason: string
  readonly isolatedBy: readonly ObjectKey[]
  /** The rule that allows, or the nearest miss; with its place where the source has files. */
  readonly rule: PlacedRule | null
}

export type PlacedRule = (RuleRef | NearestMiss) & {
  readonly file?: string | undefined
  readonly line?: number | undefined
}

/** Whose address it is. */
export type FlowEnd =
  | {
      readonly kind: 'pod'
      readonly address: string
      readonly namespace: string
      readonly pod: string
      readonly workload: Workload | null
    }
  | { readonly kind: 'node'; readonly address: string; readonly node: string }
  | { readonly kind: 'outside'; readonly address: string }
