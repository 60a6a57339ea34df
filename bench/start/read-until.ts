import { setTimeout as delay } from 'node:timers/promises'
import { readState } from '../../src/dataplane/inspect.ts'
import type { KernelState } from '../../src/dataplane/kernel-state.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'

const TRIES = 5
const BETWEEN_MS = 500

/**
 * What the kernel holds; read again as long as it is not what it should be. Linux 6.18 leaves elements out of the
 * dump of a hash set, without saying so, while it moves them to a larger hash table: 3,050 of 200,000 right after
 * they were added, none a moment later.
 *
 * @throws Error when it does not become right
 */
export async function readUntil(
  socket: NetlinkSocket,
  isRight: (held: KernelState) => boolean,
): Promise<KernelState> {
  for (let tried = 1; tried <= TRIES; tried++) {
    const held = await readState(socket)
    if (isRight(held)) return held
    await delay(BETWEEN_MS)
  }
  throw new Error('The table in the kernel is not what it should be: the figures are void.')
}
