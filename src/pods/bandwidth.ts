/**
 * What a pod may send and receive (capability `bandwidth` of CNI's CONVENTIONS.md). Rates in bits per second,
 * bursts in bits; rate and burst of a direction are given both or neither.
 */
export interface Bandwidth {
  /** To the pod. */
  readonly ingressRate: number | undefined
  readonly ingressBurst: number | undefined
  /** From the pod. */
  readonly egressRate: number | undefined
  readonly egressBurst: number | undefined
}
