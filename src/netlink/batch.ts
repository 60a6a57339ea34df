import { attributes } from './attributes.ts'
import { encode } from './encode.ts'
import { nfgenmsg } from './headers.ts'
import type { Request } from './message.ts'
import { NFNL_MSG_BATCH_BEGIN, NFNL_MSG_BATCH_END, NFNL_SUBSYS_NFTABLES } from './message-types.ts'
import { encodeStruct } from './struct.ts'

/**
 * The messages that make one nf_tables transaction of those between them.
 *
 * @param generation that the ruleset must still have; the kernel refuses the batch with ERESTART otherwise.
 */
export function batchMarks(generation?: number): {
  readonly begin: Request
  readonly end: Request
} {
  const mark = { flags: 0, header: SUBSYSTEM, table: NFNL_BATCH }
  return {
    begin: {
      ...mark,
      type: NFNL_MSG_BATCH_BEGIN,
      attributes: encode(NFNL_BATCH, { NFNL_BATCH_GENID: generation }),
    },
    end: { ...mark, type: NFNL_MSG_BATCH_END, attributes: new Uint8Array() },
  }
}

/** linux/netfilter/nfnetlink.h */
const NFNL_BATCH = attributes({ NFNL_BATCH_GENID: [1, 'be32'] })
const SUBSYSTEM = encodeStruct(nfgenmsg, { res_id: NFNL_SUBSYS_NFTABLES })
