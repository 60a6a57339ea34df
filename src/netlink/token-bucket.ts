import { attributes, nested } from './attributes.ts'
import { NLM_F_CREATE, NLM_F_ECHO, NLM_F_REPLACE } from './constants.ts'
import { decode } from './decode.ts'
import { NetlinkError } from './errors.ts'
import { tcmsg } from './headers.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { decodeStruct, encodeStruct, struct } from './struct.ts'

/** How fast packets may leave by a link; what comes faster waits. */
export interface TokenBucket {
  /** Bytes per second, link headers included. */
  readonly rateBytes: number
  /** Bytes that may leave at once after a time of silence. No packet that is larger ever leaves. */
  readonly burstBytes: number
  /** Bytes that may wait; what comes above that is lost. */
  readonly limitBytes: number
}

/** `tc qdisc replace dev … root tbf`. */
export function setTokenBucket(link: number, bucket: TokenBucket): Request {
  const { rateBytes, burstBytes, limitBytes } = bucket
  const parameters = encodeStruct(tc_tbf_qopt, {
    // With a link layer, the kernel does without the rate tables of the old interface (sch_api.c, qdisc_get_rtab).
    rate_linklayer: TC_LINKLAYER_ETHERNET,
    rate_rate: Math.min(rateBytes, 0xffff_ffff),
    limit: limitBytes,
  })
  return makeRequest(
    MESSAGE_TYPES.RTM_NEWQDISC,
    NLM_F_CREATE | NLM_F_REPLACE,
    encodeStruct(tcmsg, { tcm_ifindex: link, tcm_handle: HANDLE, tcm_parent: TC_H_ROOT }),
    TCA_TBF_MESSAGE,
    {
      TCA_KIND: 'tbf',
      TCA_OPTIONS: {
        TCA_TBF_PARMS: parameters,
        // From 2³² bytes a second on this one counts; below, they say the same.
        TCA_TBF_RATE64: BigInt(rateBytes),
        // In bytes; the `buffer` of the struct, in ticks of 64 ns, overflows for slow links with large bursts.
        TCA_TBF_BURST: burstBytes,
      },
    },
  )
}

/** Rate and queue of a link's token bucket; undefined where it has none, or there is no link. */
export function findTokenBucket(
  socket: NetlinkSocket,
  link: number,
): Omit<TokenBucket, 'burstBytes'> | undefined {
  const header = encodeStruct(tcmsg, { tcm_ifindex: link, tcm_parent: TC_H_ROOT })
  try {
    // To ask for one qdisc is to have it told to those who listen; with echo, to who asks as well.
    const [reply] = socket.request(
      makeRequest(MESSAGE_TYPES.RTM_GETQDISC, NLM_F_ECHO, header, TCA, {}),
    )
    return reply && readTokenBucket(reply)
  } catch (error) {
    if (error instanceof NetlinkError && ABSENT.has(error.code)) return undefined
    throw error
  }
}

function readTokenBucket(reply: Reply): Omit<TokenBucket, 'burstBytes'> | undefined {
  const { TCA_KIND: kind, TCA_OPTIONS: options } = readReply(reply, tcmsg, TCA).attributes
  if (kind !== 'tbf' || options === undefined) return undefined
  const { TCA_TBF_PARMS: bytes, TCA_TBF_RATE64: rate } = decode(TCA_TBF, options)
  if (bytes === undefined) return undefined
  const parameters = decodeStruct(tc_tbf_qopt, bytes)
  return { rateBytes: Number(rate ?? parameters.rate_rate), limitBytes: parameters.limit }
}

/** linux/pkt_sched.h: two of struct tc_ratespec, then its own fields. */
const tc_tbf_qopt = struct('tc_tbf_qopt', {
  rate_cell_log: 'u8',
  rate_linklayer: 'u8',
  rate_overhead: 'u16',
  rate_cell_align: 'u16',
  rate_mpu: 'u16',
  rate_rate: 'u32',
  peakrate_cell_log: 'u8',
  peakrate_linklayer: 'u8',
  peakrate_overhead: 'u16',
  peakrate_cell_align: 'u16',
  peakrate_mpu: 'u16',
  peakrate_rate: 'u32',
  limit: 'u32',
  buffer: 'u32',
  mtu: 'u32',
})

/** linux/pkt_sched.h */
const TCA_TBF = attributes({
  TCA_TBF_PARMS: [1, 'binary'],
  TCA_TBF_RATE64: [4, 'u64'],
  TCA_TBF_BURST: [6, 'u32'],
})

/** linux/rtnetlink.h. The table of the options depends on the kind: to write, and to read any. */
const TCA_TBF_MESSAGE = attributes({ TCA_KIND: [1, 'string'], TCA_OPTIONS: [2, nested(TCA_TBF)] })
const TCA = attributes({ TCA_KIND: [1, 'string'], TCA_OPTIONS: [2, 'binary'] })

/** linux/pkt_sched.h */
const TC_H_ROOT = 0xffff_ffff
const TC_LINKLAYER_ETHERNET = 1
/** `1:`, as everybody calls the first. */
const HANDLE = 1 << 16

/** Of the link; of the qdisc. */
const ABSENT = new Set(['ENODEV', 'ENOENT'])
