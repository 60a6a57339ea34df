import type { PodEnd } from './pod-end.ts'

/** The ways that packets take between two pods. */
export const PATHS = ['same node', 'direct', 'VXLAN'] as const
export type PathName = (typeof PATHS)[number]

/** Pods that are wired, by whom and with which table, and between which packets are sent. */
export interface Contender {
  readonly name: string
  /** Whether the goals are measured against it; else it only explains. */
  readonly isGoal: boolean
  /** Who sends on every path. */
  readonly client: PodEnd
  /** Who answers, on the paths that there are. */
  readonly servers: Readonly<Partial<Record<PathName, PodEnd>>>
  /** To be called before each turn, and `end` after it. */
  readonly begin?: () => void
  readonly end?: () => void
  /** Rejects when packets go where they must not, or not where they shall. */
  check(): Promise<void>
}
