import type { Obstacle } from '../cni/obstacle.ts'
import type { Enforcer } from './enforcer.ts'

/** No ADD succeeds while the kernel refuses policy, and what policy allows anew is not allowed in the kernel. */
export function obstacleOf({ refusal }: Pick<Enforcer, 'refusal'>): Obstacle | undefined {
  if (refusal === undefined) return undefined
  return { reason: `${refusal.message}. It is tried again`, harmsPods: true }
}
