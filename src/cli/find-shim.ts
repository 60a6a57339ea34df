import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CommandError } from './command-error.ts'

/**
 * Path of `sluice-cni`. Sources and bundle lie at different depths of the package: it looks upwards from either.
 *
 * @throws CommandError when it is not built
 */
export function findShim(from: string): string {
  const path = join(from, 'native', 'build', 'sluice-cni')
  if (existsSync(path)) return path
  if (from !== dirname(from)) return findShim(dirname(from))
  throw new CommandError('native/build/sluice-cni is not there. Run `make build` first.')
}
