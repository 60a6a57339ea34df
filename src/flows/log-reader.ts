import { NetlinkDecodeError } from '../netlink/errors.ts'
import type { Reply } from '../netlink/message.ts'
import { MESSAGE_TYPES } from '../netlink/message-types.ts'
import { type LoggedPacket, readLoggedPacket } from './logged-packet.ts'
import { PacketError } from './packet.ts'

/** Reads what the kernel sends of a log group, and counts what it does not. */
export class LogReader {
  /** Logged packets that did not come, since the reader was too slow for them. */
  lost = 0
  /** Packets that came and could not be read. */
  unreadable = 0
  /** A group begins with 0 when somebody binds it (instance_create of nfnetlink_log.c). */
  #nextSequence = 0

  /** Undefined for what is no packet, or cannot be read. */
  read(message: Reply): LoggedPacket | undefined {
    if (message.type !== MESSAGE_TYPES.NFULNL_MSG_PACKET) return undefined
    try {
      const logged = readLoggedPacket(message)
      if (logged.sequence !== undefined) this.#count(logged.sequence)
      return logged
    } catch (error) {
      if (!(error instanceof PacketError || error instanceof NetlinkDecodeError)) throw error
      this.unreadable += 1
      this.#nextSequence = (this.#nextSequence + 1) >>> 0
      return undefined
    }
  }

  #count(sequence: number): void {
    this.lost += (sequence - this.#nextSequence) >>> 0
    this.#nextSequence = (sequence + 1) >>> 0
  }
}
