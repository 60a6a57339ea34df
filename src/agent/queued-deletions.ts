import { existsSync, readdirSync } from 'node:fs'
import files from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { drainDelQueue } from '../cni/del-queue.ts'
import type { CniHandler } from '../cni/verbs.ts'
import { shareNext } from './share-next.ts'

export interface QueuedDeletions {
  /** Answers requests, none of which an earlier deletion that was queued comes after. */
  readonly handle: CniHandler
  close(): void
}

/** A shim may have found the socket closed just before, and leave its file just after. */
const EVERY_MS = 10_000

/**
 * Carries out DELs that came while no agent ran: now, every few seconds, and before each ADD. The runtime was told
 * that they are done, so it may add the same container again, and no DEL of before may take that away.
 *
 * @param handle carries out a DEL
 */
export async function carryOutQueuedDeletions(
  { runDirectory, log }: { readonly runDirectory: string; readonly log: Logger },
  handle: CniHandler,
): Promise<QueuedDeletions> {
  const directory = join(runDirectory, 'del')
  const carryOut = shareNext(async () => {
    try {
      await drainDelQueue({
        directory,
        handle,
        files,
        now: Date.now,
        report: (problem) => log.warn({ event: 'del.queued' }, problem),
      })
    } catch (error) {
      log.warn({ event: 'del.unreadable', err: error }, 'queued deletions cannot be read')
    }
  })
  await carryOut()
  const timer = setInterval(() => void carryOut(), EVERY_MS)
  return {
    handle: async (request) => {
      const isAdd = request.environment.get('CNI_COMMAND') === 'ADD'
      if (isAdd && !isEmpty(directory)) await carryOut()
      return await handle(request)
    },
    close: () => clearInterval(timer),
  }
}

/** Asked before each ADD: to ask in place takes microseconds, on another thread up to a millisecond. */
function isEmpty(directory: string): boolean {
  // Mostly there is none, and to make an error of that costs more than the question.
  if (!existsSync(directory)) return true
  try {
    return readdirSync(directory).length === 0
  } catch {
    // Whoever carries out will say what is wrong with it.
    return false
  }
}
