import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabRoots } from './lab-paths.ts'

/**
 * All processes that were started with a run directory below `state`. A list of pids in a file would miss the one
 * that was started just before its writer was killed.
 */
export async function labProcesses(roots: LabRoots, state: string): Promise<number[]> {
  const pids = (await readdir(roots.proc)).filter((name) => /^\d+$/u.test(name)).map(Number)
  const found = await Promise.all(
    pids.map(async (pid) => {
      const path = join(roots.proc, `${pid}`, 'cmdline')
      const args = (await readFile(path, 'utf8').catch(() => '')).split('\0')
      const runDir = args[args.indexOf('--run-dir') + 1] ?? ''
      return `${runDir}/`.startsWith(`${state}/`) ? [pid] : []
    }),
  )
  return found.flat().filter((pid) => pid !== process.pid)
}
