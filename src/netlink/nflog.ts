import { attributes } from './attributes.ts'
import type { ValuesOf } from './attributes.ts'
import { AF_UNSPEC } from './constants.ts'
import { nfgenmsg } from './headers.ts'
import { makeRequest } from './message.ts'
import type { Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import { encodeStruct, struct } from './struct.ts'

/** A logged packet, message NFULNL_MSG_PACKET (linux/netfilter/nfnetlink_log.h). */
export const NFULA = attributes({
  NFULA_PACKET_HDR: [1, 'binary'],
  NFULA_MARK: [2, 'be32'],
  NFULA_TIMESTAMP: [3, 'binary'],
  NFULA_IFINDEX_INDEV: [4, 'be32'],
  NFULA_IFINDEX_OUTDEV: [5, 'be32'],
  NFULA_PAYLOAD: [9, 'binary'],
  NFULA_PREFIX: [10, 'string'],
  NFULA_SEQ: [12, 'be32'],
})

/** Makes the socket that sends it the one that gets the packets of a group. EPERM when another does. */
export function bindLogGroup(group: number): Request {
  return configure(group, { NFULA_CFG_CMD: Uint8Array.of(NFULNL_CFG_CMD_BIND) })
}

export interface LogSettings {
  /** Of each packet. */
  readonly copyBytes: number
  /** How many packets the kernel gathers before it sends them… */
  readonly queuePackets: number
  /** …or how long at most, in hundredths of a second. */
  readonly flushCentiseconds: number
}

/** For a group that the same socket has bound; ENODEV when none has. Its packets are numbered: NFULA_SEQ. */
export function configureLogGroup(group: number, settings: LogSettings): Request {
  return configure(group, {
    NFULA_CFG_MODE: encodeStruct(nfulnl_msg_config_mode, {
      copy_range: settings.copyBytes,
      copy_mode: NFULNL_COPY_PACKET,
    }),
    NFULA_CFG_QTHRESH: settings.queuePackets,
    NFULA_CFG_TIMEOUT: settings.flushCentiseconds,
    NFULA_CFG_FLAGS: NFULNL_CFG_F_SEQ,
  })
}

const NFULA_CFG = attributes({
  NFULA_CFG_CMD: [1, 'binary'],
  NFULA_CFG_MODE: [2, 'binary'],
  NFULA_CFG_TIMEOUT: [4, 'be32'],
  NFULA_CFG_QTHRESH: [5, 'be32'],
  NFULA_CFG_FLAGS: [6, 'be16'],
})
const NFULNL_CFG_CMD_BIND = 1
const NFULNL_COPY_PACKET = 2
const NFULNL_CFG_F_SEQ = 1
const nfulnl_msg_config_mode = struct('nfulnl_msg_config_mode', {
  copy_range: 'be32',
  copy_mode: 'u8',
  _pad: 'u8',
})

function configure(group: number, values: ValuesOf<typeof NFULA_CFG>): Request {
  const header = encodeStruct(nfgenmsg, { nfgen_family: AF_UNSPEC, res_id: group })
  return makeRequest(MESSAGE_TYPES.NFULNL_MSG_CONFIG, 0, header, NFULA_CFG, values)
}
