import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabRoots } from './lab-paths.ts'

interface Switch {
  /** As sysctl(8) names it. */
  readonly name: string
  readonly off: string
  readonly on: string
}

/** What a system can keep user namespaces from ordinary users by. */
const SWITCHES: readonly Switch[] = [
  // namespaces(7); the kernel's own.
  { name: 'user.max_user_namespaces', off: '0', on: '10000' },
  // A patch of Debian and Arch Linux.
  { name: 'kernel.unprivileged_userns_clone', off: '0', on: '1' },
  // AppArmor of Ubuntu since 23.10.
  { name: 'kernel.apparmor_restrict_unprivileged_userns', off: '1', on: '0' },
]

/** The sentences about switches of this machine that are off for ordinary users, each with its remedy. */
export async function switchesOff(roots: Pick<LabRoots, 'proc'>): Promise<string[]> {
  const told = await Promise.all(
    SWITCHES.map(async ({ name, off, on }) => {
      const path = join(roots.proc, 'sys', name.replaceAll('.', '/'))
      const value = (await readFile(path, 'utf8').catch(() => '')).trim()
      return value === off ? [`${name} is ${off}: root can \`sysctl -w ${name}=${on}\`.`] : []
    }),
  )
  return told.flat()
}
