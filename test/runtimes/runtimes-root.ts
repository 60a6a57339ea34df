import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where `packages` unpacks container runtimes; undefined when they were not fetched. */
export function runtimesRoot(environment: NodeJS.ProcessEnv): string | undefined {
  const cache = environment['SLUICE_RUNTIMES_CACHE'] ?? '/var/cache/sluice/runtimes'
  const root = join(cache, 'root')
  return existsSync(root) ? root : undefined
}
