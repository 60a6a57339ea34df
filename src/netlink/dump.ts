import { NLMSG_DONE, NLMSG_ERROR } from './constants.ts'
import { watchConsistency } from './consistency.ts'
import { NetlinkError } from './errors.ts'
import type { Reply, Request } from './message.ts'
import { readRefusal } from './refusal.ts'

/** The answers to one request for a dump, as they come in. */
export interface Dump<T> {
  readonly found: readonly T[]
  /**
   * Takes the messages of one datagram. Returns whether what the dump shows is one state, when that was its
   * end; undefined before.
   *
   * @throws {NetlinkError} when the kernel refuses.
   */
  take(replies: readonly Reply[]): boolean | undefined
}

/** @param sequence of the request @param read what is made of each message */
export function readDump<T>(
  request: Request,
  sequence: number,
  read: (reply: Reply) => T,
): Dump<T> {
  const found: T[] = []
  const isConsistent = watchConsistency()
  return {
    found,
    take: (replies) => {
      for (const reply of replies) {
        if (reply.sequence !== sequence) continue
        const consistent = isConsistent(reply)
        if (reply.type !== NLMSG_DONE && reply.type !== NLMSG_ERROR) {
          found.push(read(reply))
          continue
        }
        const refusal = readRefusal(reply, request, 0)
        if (refusal) throw new NetlinkError([refusal])
        return consistent
      }
      return undefined
    },
  }
}
