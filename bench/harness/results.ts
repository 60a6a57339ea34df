import type { Distribution } from './context.ts'
import type { Figure } from './figure.ts'

/** Figures of one group. */
export interface Section {
  readonly name: string
  /** What made them; path from the root of the repository. */
  readonly script: string
  readonly figures: readonly Figure[]
}

/** What a run gives. */
export interface Results {
  /** What it was taken on, in which mode, and whether the machine was too noisy to tell. */
  readonly machine: string
  readonly sections: readonly Section[]
  readonly distributions: readonly Distribution[]
}
