import type { PolicyReport } from '../../agent/policy-report.ts'
import type { SourcePolicy } from '../../agent/source.ts'
import { isAtLeast, type ObjectVersion, versionText } from '../../cluster/object-version.ts'

/** What the kernel is to enforce. */
export type Asked =
  /** What the source had when it was asked; undefined: no such policy. */
  | { readonly kind: 'now'; readonly policy: SourcePolicy | undefined }
  /** The version with this text, or a later one. */
  | { readonly kind: 'version'; readonly text: string }
  /** No version; `policy` is what the source had when it was asked. */
  | { readonly kind: 'deleted'; readonly policy: SourcePolicy | undefined }

/** A sentence that ends in no full stop goes with all but `done`. */
export type Progress =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'waiting'; readonly why: string }

/** How far the kernel is with what was asked for, by what the agent reports of the policy. */
export function progressOf(asked: Asked, report: PolicyReport | undefined): Progress {
  if (asked.kind === 'deleted') return progressOfDeletion(asked.policy, report)
  if (asked.kind === 'now') {
    if (asked.policy === undefined) return failed('the source has no such policy')
    const { version, problems } = asked.policy
    if (problems.length > 0) return failed(refusal(version, problems))
  }
  if (report === undefined) return waiting('the agent has not been told of it')
  const { version, live, refused, commitRefused } = report
  if (live !== null && satisfies(live.version, asked)) return { kind: 'done' }
  if (refused !== null && version !== null && satisfies(version, asked)) {
    return failed(refusal(version, refused.problems))
  }
  if (commitRefused !== null) return waiting(commitRefused)
  const held = live === null ? 'no version' : `version ${versionText(live.version)}`
  return waiting(`the kernel enforces ${held} of it, ${askedText(asked)} is asked for`)
}

function progressOfDeletion(
  policy: SourcePolicy | undefined,
  report: PolicyReport | undefined,
): Progress {
  if (policy !== undefined) return failed('the source still has it: delete it there')
  if (report === undefined) return { kind: 'done' }
  return waiting(report.commitRefused ?? 'the agent has not been told that it is gone')
}

function satisfies(held: ObjectVersion, asked: Exclude<Asked, { kind: 'deleted' }>): boolean {
  if (asked.kind === 'now') {
    return asked.policy !== undefined && isAtLeast(held, asked.policy.version)
  }
  if ('digest' in held) return held.digest === asked.text
  return /^\d+$/.test(asked.text) && held.generation >= Number(asked.text)
}

function askedText(asked: Exclude<Asked, { kind: 'deleted' }>): string {
  if (asked.kind === 'version') return asked.text
  return asked.policy === undefined ? 'none' : versionText(asked.policy.version)
}

function refusal(version: ObjectVersion, problems: readonly string[]): string {
  return `version ${versionText(version)} is refused: ${problems.join('; ')}`
}

function failed(why: string): Progress {
  return { kind: 'failed', why }
}

function waiting(why: string): Progress {
  return { kind: 'waiting', why }
}
