import { PodNetworkError, type PodNetworkFault } from '../pods/errors.ts'
import type { Reaper } from '../pods/reaper.ts'

/** What an attachment holds until its link is gone, though its DEL was answered. */
const HELD_BY_LEAVERS: ReadonlySet<PodNetworkFault> = new Set([
  'addressesExhausted',
  'addressUnavailable',
  'hostPortTaken',
  'interfaceExists',
])

/** Does it again, once nothing is left of those who have left, where one of them may have stood in the way. */
export async function withoutLeavers<T>(
  reaper: Pick<Reaper, 'isWaiting' | 'reap'>,
  attempt: () => T,
): Promise<T> {
  try {
    return attempt()
  } catch (error) {
    const mayBeHeld = error instanceof PodNetworkError && HELD_BY_LEAVERS.has(error.fault)
    if (!mayBeHeld || !reaper.isWaiting) throw error
  }
  await reaper.reap()
  return attempt()
}
