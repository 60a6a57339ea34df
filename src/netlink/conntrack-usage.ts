import { attributes } from './attributes.ts'
import { AF_UNSPEC } from './constants.ts'
import { nfgenmsg } from './headers.ts'
import { makeRequest, readReply } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

/** linux/netfilter/nfnetlink_conntrack.h, enum ctattr_stats_global; the second since Linux 4.18. */
const CTA_STATS_GLOBAL = attributes({
  CTA_STATS_GLOBAL_ENTRIES: [1, 'be32'],
  CTA_STATS_GLOBAL_MAX_ENTRIES: [2, 'be32'],
})

export interface ConntrackUsage {
  /** Connections that are tracked in this namespace. */
  readonly entries: number
  /** New ones are dropped from so many on; undefined where the kernel does not say. */
  readonly most: number | undefined
}

/** @throws {NetlinkError} */
export function readConntrackUsage(socket: NetlinkSocket): ConntrackUsage {
  const header = encodeStruct(nfgenmsg, { nfgen_family: AF_UNSPEC })
  const type = MESSAGE_TYPES.IPCTNL_MSG_CT_GET_STATS
  const [reply] = socket.request(makeRequest(type, 0, header, CTA_STATS_GLOBAL, {}))
  if (reply === undefined) return { entries: 0, most: undefined }
  const { attributes: values } = readReply(reply, nfgenmsg, CTA_STATS_GLOBAL)
  const { CTA_STATS_GLOBAL_ENTRIES: entries = 0, CTA_STATS_GLOBAL_MAX_ENTRIES: most } = values
  return { entries, most }
}
