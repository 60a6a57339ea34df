import { nfgenmsg } from '../netlink/headers.ts'
import { type Reply, readReply } from '../netlink/message.ts'
import { NFULA } from '../netlink/nflog.ts'
import type { Direction } from '../policy/model.ts'
import { decodePacket, type Packet, PacketError } from './packet.ts'

/** A packet that the program logged, and why. */
export interface LoggedPacket {
  readonly verdict: 'allow' | 'deny'
  /** Whose policy denies: that of its source or of its destination. Undefined where nobody's does. */
  readonly direction: Direction | undefined
  /** Counts the packets of the log group, modulo 2^32. */
  readonly sequence: number | undefined
  readonly packet: Packet
}

/** What the program's log rules write before a packet. */
const LOG_PREFIXES = {
  'sluice:ingress': { verdict: 'deny', direction: 'ingress' },
  'sluice:egress': { verdict: 'deny', direction: 'egress' },
  'sluice:allow': { verdict: 'allow', direction: undefined },
} as const satisfies Readonly<Record<string, Pick<LoggedPacket, 'verdict' | 'direction'>>>

/**
 * Of an NFULNL_MSG_PACKET message.
 *
 * @throws {PacketError} for one that is not of ours, or whose packet cannot be read
 * @throws {NetlinkDecodeError} when the message is damaged
 */
export function readLoggedPacket(message: Reply): LoggedPacket {
  const {
    NFULA_PREFIX: prefix = '',
    NFULA_PAYLOAD: payload,
    NFULA_SEQ: sequence,
  } = readReply(message, nfgenmsg, NFULA).attributes
  if (!isOurs(prefix)) throw new PacketError(`its prefix ${JSON.stringify(prefix)} is not ours`)
  if (payload === undefined) throw new PacketError('it has no payload')
  return { ...LOG_PREFIXES[prefix], sequence, packet: decodePacket(payload) }
}

function isOurs(prefix: string): prefix is keyof typeof LOG_PREFIXES {
  return Object.hasOwn(LOG_PREFIXES, prefix)
}
