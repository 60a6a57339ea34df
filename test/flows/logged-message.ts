import { encode } from '../../src/netlink/encode.ts'
import { nfgenmsg } from '../../src/netlink/headers.ts'
import type { Reply } from '../../src/netlink/message.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { NFULA } from '../../src/netlink/nflog.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import { bytes } from '../netlink/bytes.ts'

/** TCP from 10.0.0.2:8080 to 192.0.2.1:80, cut behind the ports. */
export const PACKET = bytes('45000028 00010000 40060000 0a000002 c0000201 1f90 0050')

/** What the kernel sends of a packet that our program logs. */
export function loggedMessage({
  sequence = 0,
  prefix = 'sluice:ingress',
  payload = PACKET,
}: {
  readonly sequence?: number
  readonly prefix?: string
  readonly payload?: Uint8Array
} = {}): Reply {
  const attributes = encode(NFULA, {
    NFULA_PREFIX: prefix,
    NFULA_PAYLOAD: payload,
    NFULA_SEQ: sequence,
  })
  const type = MESSAGE_TYPES.NFULNL_MSG_PACKET
  const header = encodeStruct(nfgenmsg, { nfgen_family: 2 })
  return {
    type,
    flags: 0,
    sequence: 0,
    portId: 0,
    payload: Buffer.concat([header, attributes]),
  }
}
