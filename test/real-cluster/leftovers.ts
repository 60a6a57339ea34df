import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Places } from './places.ts'

const HIERARCHIES = '/sys/fs/cgroup'

/**
 * Removes what a cluster leaves when its machines have ended: cgroups and files. Processes, mounts and network
 * went with the machines.
 */
export async function removeLeftovers(
  { cgroup, directory }: Places,
  { keepFiles = false }: { readonly keepFiles?: boolean } = {},
): Promise<void> {
  for (const hierarchy of await readdir(HIERARCHIES)) {
    await removeCgroup(join(HIERARCHIES, hierarchy, cgroup))
  }
  if (!keepFiles) await rm(directory, { recursive: true, force: true })
}

/** From the bottom up: a cgroup's files are the kernel's, and only an empty one can go. */
async function removeCgroup(path: string): Promise<void> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) if (entry.isDirectory()) await removeCgroup(join(path, entry.name))
  await rmdir(path).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  })
}
