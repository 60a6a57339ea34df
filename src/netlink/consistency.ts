import { NLM_F_DUMP_INTR } from './constants.ts'
import { nfgenmsg } from './headers.ts'
import type { Reply } from './message.ts'
import { NFNL_SUBSYS_NFTABLES } from './message-types.ts'
import { decodeStruct } from './struct.ts'

/**
 * Watches the messages of one dump: call it with each; it returns whether all so far show one state.
 *
 * The kernel marks a dump that was overtaken by a change with NLM_F_DUMP_INTR, but not a dump of the elements
 * of an nf_tables set (nf_tables_dump_set, Linux 6.18 included). There the generation tells, whose low half
 * every message of nf_tables has in its res_id.
 */
export function watchConsistency(): (reply: Reply) => boolean {
  let consistent = true
  let generation: number | undefined
  return (reply) => {
    if (reply.flags & NLM_F_DUMP_INTR) consistent = false
    if (reply.type >> 8 === NFNL_SUBSYS_NFTABLES) {
      const { res_id } = decodeStruct(nfgenmsg, reply.payload)
      generation ??= res_id
      if (res_id !== generation) consistent = false
    }
    return consistent
  }
}
