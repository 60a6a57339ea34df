import * as fs from 'node:fs/promises'
import { readManifestFiles } from '../cluster/files.ts'
import { type Manifests, readManifests } from '../cluster/manifests.ts'
import { problemText } from '../cluster/problem.ts'
import { CommandError } from './command-error.ts'
import type { Terminal } from './terminal.ts'

/** @throws CommandError when the directory cannot be read; what is wrong in its files is in the result. */
export async function readManifestDirectory(directory: string): Promise<Manifests> {
  try {
    return readManifests(await readManifestFiles(directory, fs), { nodes: [] })
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error))
  }
}

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
