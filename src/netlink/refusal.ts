import { attributePath } from './attribute-path.ts'
import { align, attributes } from './attributes.ts'
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE } from './constants.ts'
import { decode } from './decode.ts'
import { errnoName } from './errno.ts'
import type { Refusal } from './errors.ts'
import { nlmsghdr } from './headers.ts'
import { attributesOffset } from './message.ts'
import type { Reply, Request } from './message.ts'
import { messageName } from './message-types.ts'
import { decodeStruct, struct } from './struct.ts'

/**
 * What an NLMSG_ERROR (or the end of a dump) says: undefined for an acknowledgement.
 *
 * @param index of the request it answers; -1 for the beginning of a batch
 * @throws {NetlinkDecodeError} when the reply is damaged.
 */
export function readRefusal(reply: Reply, request: Request, index: number): Refusal | undefined {
  const { error } = decodeStruct(nlmsgerr, reply.payload)
  if (error === 0) return undefined
  const details = decode(NLMSGERR, extendedAck(reply))
  return {
    code: errnoName(-error),
    errno: -error,
    request: index < 0 ? 'the batch' : messageName(request.type),
    index,
    text: details.NLMSGERR_ATTR_MSG,
    attribute: offendingAttribute(request, details.NLMSGERR_ATTR_OFFS),
    missing: missingAttribute(
      request,
      details.NLMSGERR_ATTR_MISS_TYPE,
      details.NLMSGERR_ATTR_MISS_NEST,
    ),
  }
}

/** struct nlmsgerr (linux/netlink.h) begins with the negative errno; the refused header follows. */
const nlmsgerr = struct('nlmsgerr', { error: 's32' })

/** enum nlmsgerr_attrs (linux/netlink.h); NLMSGERR_ATTR_POLICY is not read. */
const NLMSGERR = attributes({
  NLMSGERR_ATTR_MSG: [1, 'string'],
  NLMSGERR_ATTR_OFFS: [2, 'u32'],
  NLMSGERR_ATTR_MISS_TYPE: [5, 'u32'],
  NLMSGERR_ATTR_MISS_NEST: [6, 'u32'],
})

/** Behind the refused header; behind the whole refused message too, unless the kernel left that out. */
function extendedAck({ type, flags, payload }: Reply): Uint8Array {
  if (!(flags & NLM_F_ACK_TLVS)) return payload.subarray(0, 0)
  const afterError = payload.subarray(nlmsgerr.bytes)
  if (type === NLMSG_DONE) return afterError
  const { nlmsg_len } = decodeStruct(nlmsghdr, afterError)
  return afterError.subarray(flags & NLM_F_CAPPED ? nlmsghdr.bytes : align(nlmsg_len))
}

/** Offsets count from the nlmsghdr of the request. */
function offendingAttribute(request: Request, offset: number | undefined): string | undefined {
  if (offset === undefined) return undefined
  const { table, attributes } = request
  return attributePath(table, attributes, offset - attributesOffset(request))?.text
}

function missingAttribute(
  request: Request,
  number: number | undefined,
  nestOffset: number | undefined,
): string | undefined {
  if (number === undefined) return undefined
  if (nestOffset === undefined) return request.table.byNumber[number]?.name ?? `attribute ${number}`
  const { table, attributes } = request
  const nest = attributePath(table, attributes, nestOffset - attributesOffset(request))
  const name = nest?.content?.byNumber[number]?.name ?? `attribute ${number}`
  return nest ? `${nest.text}/${name}` : name
}
