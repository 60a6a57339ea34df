import { readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { labProcesses } from './lab-processes.ts'
import type { LabRoots } from './lab-paths.ts'

/**
 * The rooms of this user: user namespaces in which labs run that she started without being root. A room is there as
 * long as a process is in it, and one process stands for each.
 */
export async function findRooms(roots: LabRoots): Promise<number[]> {
  // A kernel without user namespaces has no such file.
  const own = await readlink(join(roots.proc, 'self', 'ns', 'user')).catch(() => undefined)
  const rooms = new Map<string, number>()
  for (const pid of await labProcesses(roots, roots.state)) {
    const place = await placeOf(roots, pid)
    if (place !== undefined && place !== own) rooms.set(place, pid)
  }
  return [...rooms.values()]
}

/**
 * The user namespace of a process, where we may know it: that of other users is not told. Undefined also for one with
 * another root directory, as in a container: our programs and manifests are not there.
 */
async function placeOf(roots: LabRoots, pid: number): Promise<string | undefined> {
  const process = join(roots.proc, `${pid}`)
  try {
    const [theirs, ours] = await Promise.all([stat(join(process, 'root/')), stat('/')])
    if (theirs.dev !== ours.dev || theirs.ino !== ours.ino) return undefined
    return await readlink(join(process, 'ns', 'user'))
  } catch {
    return undefined
  }
}
