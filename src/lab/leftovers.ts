import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { deleteNamespace } from '../netlink/native.ts'
import { labIdOf, type LabPaths, labPaths, type LabRoots } from './lab-paths.ts'
import { labProcesses } from './lab-processes.ts'
import { type LabState, stateOf } from './owner.ts'

/** Removes every lab in one of these states, and returns their names. */
export async function removeLabs(roots: LabRoots, states: readonly LabState[]): Promise<string[]> {
  const removed: string[] = []
  for (const id of await labIds(roots)) {
    const paths = labPaths(roots, id)
    if (!states.includes(await stateOf(roots, paths))) continue
    await removeLab(roots, paths)
    removed.push(id)
  }
  return removed
}

/**
 * Removes one lab: its processes, its namespaces, its files, in this order, so that it can be done again
 * from the start if it is cut short.
 */
export async function removeLab(roots: LabRoots, paths: LabPaths): Promise<void> {
  await killProcesses(roots, paths)
  const files = await readdir(roots.netns).catch(() => [])
  for (const file of files.filter((name) => name.startsWith(paths.netnsPrefix))) {
    deleteNamespace(join(roots.netns, file))
  }
  await rm(paths.state, { recursive: true, force: true })
}

/** By their state, and by namespaces that are left where that was removed too early. */
async function labIds(roots: LabRoots): Promise<ReadonlySet<string>> {
  const entries = await readdir(roots.state).catch(() => [])
  const files = await readdir(roots.netns).catch(() => [])
  const states = entries.filter((name) => !name.startsWith('.'))
  return new Set([...states, ...files.flatMap(labIdOf)])
}

const KILL_TIMEOUT_MS = 5000
const POLL_MS = 10

/** By SIGKILL: agents are made to lose nothing by it, and everything that they have goes next. */
async function killProcesses(roots: LabRoots, paths: LabPaths): Promise<void> {
  for (let waited = 0; waited < KILL_TIMEOUT_MS; waited += POLL_MS) {
    const pids = await labProcesses(roots, paths.state)
    if (pids.length === 0) return
    for (const pid of pids) kill(pid)
    await delay(POLL_MS)
  }
  throw new Error(`Processes of the lab ${paths.id} do not end. Try \`sluice lab down\` again.`)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
