import type { SourceChange } from '../source-change.ts'

/** What one piece of an answer tells. */
export interface Step {
  readonly changes: readonly SourceChange[]
  /** With these changes everything has been told that there is at this version; undefined while there is more. */
  readonly version: string | undefined
}
