import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isNativeError, writeFileInNamespace } from '../netlink/native.ts'

/** Writes files under /proc/sys/net, as seen in a namespace. */
export interface Settings {
  /**
   * @param path as it is in /proc
   * @throws an error with a `code`
   */
  readonly write: (netns: string, path: string, text: string) => void
  readonly close: () => void
}

/** This process's own namespace. */
export const OWN_NETNS = '/proc/self/ns/net'

/**
 * Keeps the own namespace's directories open: the directories of all namespaces are in one bucket of the kernel's
 * path cache (proc_sys_compare), which each path that begins at the root is held against: 0.3 µs for each pod of
 * the node, measured on Linux 6.18, at each of the four settings of a link.
 *
 * @param procSys where /proc/sys can be written: in a container it is read-only, and the node's net part mounted
 *   elsewhere
 */
export function openSettings(procSys: string): Settings {
  const directories = ['ipv4', 'ipv6'].flatMap((name) => openDirectory(procSys, name))
  return {
    write: (netns, path, text) => {
      const from = netns === OWN_NETNS && directories.find(({ prefix }) => path.startsWith(prefix))
      if (from) writeFrom(from, path, text)
      else writeFileInNamespace(netns, join(procSys, path.slice(PROC_SYS.length)), text)
    },
    close: () => {
      for (const { fd } of directories) closeSync(fd)
    },
  }
}

const PROC_SYS = '/proc/sys/'

interface OpenDirectory {
  readonly fd: number
  /** Of the paths of what is in it. */
  readonly prefix: string
}

/** None where the kernel has no such protocol. What it shows is of the namespace in which it was opened. */
function openDirectory(procSys: string, name: string): OpenDirectory[] {
  try {
    const fd = openSync(join(procSys, 'net', name), constants.O_RDONLY | constants.O_DIRECTORY)
    return [{ fd, prefix: `${PROC_SYS}net/${name}/` }]
  } catch {
    return []
  }
}

function writeFrom({ fd, prefix }: OpenDirectory, path: string, text: string): void {
  try {
    writeFileSync(`/proc/self/fd/${fd}/${path.slice(prefix.length)}`, text, { flag: 'r+' })
  } catch (cause) {
    if (!isNativeError(cause)) throw cause
    // Node names the descriptor, which tells nobody anything.
    const { code, errno, syscall } = cause
    throw Object.assign(new Error(`Cannot write ${path} (${code})`, { cause }), {
      code,
      errno,
      syscall,
    })
  }
}
