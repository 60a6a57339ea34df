import { spawnSync } from 'node:child_process'
import { LAB_ROOTS } from '../../lab/lab-paths.ts'
import { findRooms } from '../../lab/rooms.ts'
import { CommandError } from '../command-error.ts'
import { ownCommand } from '../own-command.ts'
import { entering } from './entering.ts'

/**
 * Runs `sluice` with these arguments in each room of this user, one after the other, and returns how many there are.
 *
 * @throws CommandError when it fails in one
 */
export async function inEachRoom(args: readonly string[]): Promise<number> {
  const rooms = await findRooms(LAB_ROOTS)
  for (const pid of rooms) {
    const [program = '', ...rest] = [...entering(pid), ...ownCommand(), ...args]
    const { status, error } = spawnSync(program, rest, { stdio: 'inherit' })
    if (status === 0) continue
    throw new CommandError(
      `The labs where process ${pid} is stay: ${error?.message ?? 'see above'}.`,
    )
  }
  return rooms.length
}
