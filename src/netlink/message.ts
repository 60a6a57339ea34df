import { align } from './attributes.ts'
import type { AttributeSpec, AttributeTable, AttributeValues } from './attributes.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { NetlinkDecodeError } from './errors.ts'
import { nlmsghdr } from './headers.ts'
import { decodeStruct } from './struct.ts'
import type { Struct, StructSpec, StructValues } from './struct.ts'

/** A message to the kernel. Sequence numbers, NLM_F_REQUEST and NLM_F_ACK are the socket's business. */
export interface Request {
  /** One of `MESSAGE_TYPES`. */
  readonly type: number
  /** NLM_F_* beyond those that every request has. */
  readonly flags: number
  /** The family's fixed header, such as struct ifinfomsg. */
  readonly header: Uint8Array
  readonly attributes: Uint8Array
  /** Names the attributes when the kernel refuses one. */
  readonly table: AttributeTable
}

/** A message from the kernel. */
export interface Reply {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly portId: number
  /** Everything behind struct nlmsghdr: a view into its datagram. */
  readonly payload: Uint8Array
}

/** @throws {NetlinkEncodeError} when a value does not fit its attribute. */
export function makeRequest<S extends AttributeSpec>(
  type: number,
  flags: number,
  header: Uint8Array,
  table: AttributeTable<S>,
  values: NoInfer<AttributeValues<S>>,
): Request {
  return { type, flags, header, table, attributes: encode(table, values) }
}

/**
 * Splits a reply into its fixed header and its attributes.
 *
 * @throws {NetlinkDecodeError} when either is damaged.
 */
export function readReply<H extends StructSpec, S extends AttributeSpec>(
  reply: Reply,
  header: Struct<H>,
  table: AttributeTable<S>,
): { readonly header: StructValues<H>; readonly attributes: AttributeValues<S> } {
  return {
    header: decodeStruct(header, reply.payload),
    attributes: decode(table, reply.payload.subarray(align(header.bytes))),
  }
}

/** Where the attributes of a request begin, counted from its nlmsghdr. */
export function attributesOffset(request: Request): number {
  return nlmsghdr.bytes + align(request.header.length)
}

/**
 * Requests as they go over the wire, numbered from `sequence` on. The memory is the datagram's own: that of
 * `Buffer.concat` is a pool's, which many requests share, and so lives until V8 takes it for old and frees it only
 * when it collects the whole heap.
 *
 * @param flagsOf NLM_F_* of the request in this place, beside its own
 */
export function datagramOf(
  requests: readonly Request[],
  sequence: number,
  flagsOf: (place: number) => number,
): Uint8Array {
  const datagram = new Uint8Array(requests.reduce((sum, one) => sum + align(lengthOf(one)), 0))
  const view = new DataView(datagram.buffer)
  let at = 0
  for (const [place, request] of requests.entries()) {
    const length = lengthOf(request)
    // struct nlmsghdr, field by field: `encodeStruct` takes longer than all the rest.
    view.setUint32(at, length, true)
    view.setUint16(at + 4, request.type, true)
    view.setUint16(at + 6, request.flags | flagsOf(place), true)
    view.setUint32(at + 8, sequence + place, true)
    datagram.set(request.header, at + nlmsghdr.bytes)
    datagram.set(request.attributes, at + attributesOffset(request))
    at += align(length)
  }
  return datagram
}

function lengthOf(request: Request): number {
  return attributesOffset(request) + request.attributes.length
}

/**
 * The messages of one datagram, in order.
 *
 * @throws {NetlinkDecodeError} when one is shorter than its header or runs past the end.
 */
export function* messagesIn(datagram: Uint8Array): Generator<Reply, void, undefined> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
  let at = 0
  while (at < datagram.length) {
    const left = datagram.length - at
    const length = left < nlmsghdr.bytes ? left : view.getUint32(at, true)
    if (length < nlmsghdr.bytes || length > left) {
      throw new NetlinkDecodeError(
        nlmsghdr.name,
        `${length} bytes do not fit into the ${left} that are left of its datagram.`,
      )
    }
    // Field by field: by `decodeStruct`, a message of a long listing would take ten times as long.
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      portId: view.getUint32(at + 12, true),
      payload: datagram.subarray(at + nlmsghdr.bytes, at + length),
    }
    at += align(length)
  }
}
