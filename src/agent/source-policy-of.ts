import type { SourceChange } from '../cluster/source-change.ts'
import type { SourcePolicy } from './source.ts'

/** What a source says of one policy; undefined when that is nothing, or that it is gone. */
export function sourcePolicyOf(change: SourceChange | undefined): SourcePolicy | undefined {
  if (change?.kind !== 'policy' && change?.kind !== 'refused') return undefined
  const { version } = change
  if (version === undefined) return undefined
  return { version, problems: change.kind === 'refused' ? change.problems : [] }
}
