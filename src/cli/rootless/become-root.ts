import { spawnSync } from 'node:child_process'
import { LAB_ROOTS } from '../../lab/lab-paths.ts'
import { findRooms } from '../../lab/rooms.ts'
import { switchesOff } from '../../lab/user-namespace-switches.ts'
import { CommandError } from '../command-error.ts'
import { ownCommand } from '../own-command.ts'
import { entering } from './entering.ts'

/**
 * Lets an ordinary user be root where it suffices for labs: in a user namespace, with network and mounts of its own.
 * The process goes on from the beginning of its command in there: where labs of this user run already, so that they
 * see each other, or in new namespaces. Returns at once for root.
 *
 * @throws CommandError with a sentence where the machine does not allow it
 */
export async function becomeRoot(): Promise<void> {
  if (process.geteuid?.() === 0) return
  const [room] = await findRooms(LAB_ROOTS)
  if (room === undefined) await requireUserNamespaces()
  const before = room === undefined ? NEW_ROOM : entering(room)
  replaceProcess([...before, ...ownCommand(), ...process.argv.slice(2)])
}

/** The lab keeps its namespaces where `ip netns` looks for them, below /run, which only root may write to. */
const MOUNT = 'mount -t tmpfs -o mode=755 sluice-lab /run'
/** What root mounts meanwhile is seen. */
const NAMESPACES = ['--user', '--map-root-user', '--net', '--mount', '--propagation', 'slave']
const NEW_ROOM = ['unshare', ...NAMESPACES, 'sh', '-c', `${MOUNT} && exec "$@"`, 'sluice']

async function requireUserNamespaces(): Promise<void> {
  const args = [...NAMESPACES, 'sh', '-c', MOUNT]
  const { status, error, stderr } = spawnSync('unshare', args, { encoding: 'utf8' })
  if (status === 0) return
  const said = error?.message ?? stderr.trim().replaceAll('\n', '; ')
  const [off = MAYBE] = await switchesOff(LAB_ROOTS)
  throw new CommandError(
    `Without root the lab needs user namespaces, which it does not get here (${said}). ${off} Or run it as root.`,
  )
}

const MAYBE = 'A container, a chroot or a security module may keep them back.'

/**
 * By unshare(1) and nsenter(1) of util-linux, since the kernel gives user namespaces only to processes with one thread,
 * which Node is not; and by env(1), which looks for them in PATH. The process stays the same: signals and its end are
 * the lab's.
 */
function replaceProcess(command: readonly string[]): void {
  if (process.execve === undefined) throw new Error('This Node.js cannot replace its process.')
  process.execve('/usr/bin/env', ['env', ...command], process.env)
}
