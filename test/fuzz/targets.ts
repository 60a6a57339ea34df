import { netlinkTargets } from './netlink-targets.ts'
import type { Target } from './target.ts'
import { textTargets } from './text-targets.ts'

/** Everything that reads what is not ours. */
export const targets: readonly Target[] = [...netlinkTargets, ...textTargets]
