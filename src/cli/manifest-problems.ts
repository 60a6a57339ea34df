import type { Manifests } from '../cluster/manifests.ts'
import { problemText } from '../cluster/problem.ts'
import { CommandError } from './command-error.ts'
import type { Terminal } from './terminal.ts'

/** Tells what is wrong in the manifests and what is none of ours, a line each. */
export function tellProblems({ problems, skipped }: Manifests, terminal: Terminal): void {
  for (const problem of problems) terminal.err(`${problemText(problem)}\n`)
  for (const line of skipped) terminal.err(`${line}\n`)
}

/**
 * For the end of a command that answers in spite of errors: warnings are fine.
 *
 * @throws CommandError when something in the manifests was refused.
 */
export function requireNoErrors({ problems }: Manifests, directory: string): void {
  const errors = problems.filter(({ severity }) => severity === 'error').length
  if (errors === 0) return
  const what = errors === 1 ? 'an error, told' : `${errors} errors, told`
  throw new CommandError(
    `${directory} has ${what} above. The answer is what holds until it is mended.`,
  )
}
