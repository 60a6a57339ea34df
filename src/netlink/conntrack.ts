import type { Address, Family } from '../policy/address.ts'
import { addressFamily, addressFromBytes, addressToBytes } from './address-bytes.ts'
import type { ValuesOf } from './attributes.ts'
import { CTA, CTA_TUPLE } from './conntrack-table.ts'
import { AF_INET, AF_INET6, AF_UNSPEC, NLM_F_CREATE, NLM_F_EXCL } from './constants.ts'
import { NetlinkDecodeError } from './errors.ts'
import { nfgenmsg } from './headers.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

/** A tracked connection. */
export interface Connection {
  readonly family: Family
  /** IPPROTO_*, such as 6 for TCP. */
  readonly protocol: number
  readonly original: Tuple
  /** As replies look; differs from the mirrored original where addresses are translated. */
  readonly reply: Tuple
  readonly zone: number
  /** Told apart by it: a new connection of the same tuple has another one. */
  readonly id: number | undefined
  /** IPS_* bits. */
  readonly status: number
  readonly mark: number
  /** Until it is forgotten. */
  readonly timeoutSeconds: number
  /** The original tuple of the connection whose helper expected this one. */
  readonly master: Tuple | undefined
}

/** One direction of a connection. */
export interface Tuple {
  readonly src: Address
  readonly dst: Address
  /** 0 in protocols without ports. */
  readonly sport: number
  readonly dport: number
  /** Of ICMP and ICMPv6. */
  readonly icmp?: { readonly type: number; readonly code: number; readonly id: number } | undefined
  /** Where the zone holds for this direction only. */
  readonly zone?: number | undefined
}

/** IPS_* (linux/netfilter/nf_conntrack_common.h). */
export const IPS_SEEN_REPLY = 0x2
export const IPS_ASSURED = 0x4
export const IPS_CONFIRMED = 0x8

/** All tracked connections, of one family or of both. Of many there is `connectionPieces`. */
export function listConnections(socket: NetlinkSocket, family?: Family): Connection[] {
  return socket.dump(listing(family), readConnection)
}

/** What a dump of all connections asks for, of one family or of both. */
export function listing(family?: Family): Request {
  const header = encodeStruct(nfgenmsg, {
    nfgen_family: family === undefined ? AF_UNSPEC : family === 4 ? AF_INET : AF_INET6,
  })
  return makeRequest(MESSAGE_TYPES.IPCTNL_MSG_CT_GET, 0, header, CTA, {})
}

/** ENOENT when it is gone, also when another connection has taken its tuple. */
export function deleteConnection(connection: Connection): Request {
  const { original, protocol, zone, id } = connection
  return makeRequest(MESSAGE_TYPES.IPCTNL_MSG_CT_DELETE, 0, headerOf(original), CTA, {
    CTA_TUPLE_ORIG: tupleValues(original, protocol),
    CTA_ZONE: zone,
    CTA_ID: id,
  })
}

/** Makes an entry without a packet: for tests. EEXIST when its tuple is tracked. */
export function createConnection(
  connection: Omit<Connection, 'id' | 'family' | 'master'>,
): Request {
  const { original, reply, protocol, zone, status, mark, timeoutSeconds } = connection
  const flags = NLM_F_CREATE | NLM_F_EXCL
  return makeRequest(MESSAGE_TYPES.IPCTNL_MSG_CT_NEW, flags, headerOf(original), CTA, {
    CTA_TUPLE_ORIG: tupleValues(original, protocol),
    CTA_TUPLE_REPLY: tupleValues(reply, protocol),
    CTA_STATUS: status,
    CTA_TIMEOUT: timeoutSeconds,
    CTA_MARK: mark,
    CTA_ZONE: zone,
  })
}

/**
 * Of IPCTNL_MSG_CT_NEW and IPCTNL_MSG_CT_DELETE messages, notifications included.
 *
 * @throws {NetlinkDecodeError} when the message is damaged.
 */
export function readConnection(reply: Reply): Connection {
  const { header, attributes: values } = readReply(reply, nfgenmsg, CTA)
  const master = values.CTA_TUPLE_MASTER
  return {
    family: header.nfgen_family === AF_INET ? 4 : 6,
    protocol: values.CTA_TUPLE_ORIG?.CTA_TUPLE_PROTO?.CTA_PROTO_NUM ?? 0,
    original: readTuple('CTA_TUPLE_ORIG', values.CTA_TUPLE_ORIG),
    reply: readTuple('CTA_TUPLE_REPLY', values.CTA_TUPLE_REPLY),
    zone: values.CTA_ZONE ?? 0,
    id: values.CTA_ID,
    status: values.CTA_STATUS ?? 0,
    mark: values.CTA_MARK ?? 0,
    timeoutSeconds: values.CTA_TIMEOUT ?? 0,
    master: master && readTuple('CTA_TUPLE_MASTER', master),
  }
}

function headerOf({ src }: Tuple): Uint8Array {
  return encodeStruct(nfgenmsg, { nfgen_family: addressFamily(src) })
}

type TupleValues = ValuesOf<typeof CTA_TUPLE>

function readTuple(name: string, values: TupleValues = {}): Tuple {
  const { CTA_TUPLE_IP: ip = {}, CTA_TUPLE_PROTO: proto = {} } = values
  const src = ip.CTA_IP_V4_SRC ?? ip.CTA_IP_V6_SRC
  const dst = ip.CTA_IP_V4_DST ?? ip.CTA_IP_V6_DST
  if (!src || !dst) throw new NetlinkDecodeError(name, 'an address is missing.')
  const type = proto.CTA_PROTO_ICMP_TYPE ?? proto.CTA_PROTO_ICMPV6_TYPE
  return {
    src: addressFromBytes(src, name),
    dst: addressFromBytes(dst, name),
    sport: proto.CTA_PROTO_SRC_PORT ?? 0,
    dport: proto.CTA_PROTO_DST_PORT ?? 0,
    icmp:
      type === undefined
        ? undefined
        : {
            type,
            code: proto.CTA_PROTO_ICMP_CODE ?? proto.CTA_PROTO_ICMPV6_CODE ?? 0,
            id: proto.CTA_PROTO_ICMP_ID ?? proto.CTA_PROTO_ICMPV6_ID ?? 0,
          },
    zone: values.CTA_TUPLE_ZONE,
  }
}

function tupleValues(tuple: Tuple, protocol: number): TupleValues {
  const [src, dst] = [addressToBytes(tuple.src), addressToBytes(tuple.dst)]
  return {
    CTA_TUPLE_IP:
      addressFamily(tuple.src) === AF_INET
        ? { CTA_IP_V4_SRC: src, CTA_IP_V4_DST: dst }
        : { CTA_IP_V6_SRC: src, CTA_IP_V6_DST: dst },
    CTA_TUPLE_PROTO: { CTA_PROTO_NUM: protocol, ...protocolValues(tuple) },
    CTA_TUPLE_ZONE: tuple.zone,
  }
}

function protocolValues({ src, sport, dport, icmp }: Tuple): TupleValues['CTA_TUPLE_PROTO'] {
  if (!icmp) return { CTA_PROTO_SRC_PORT: sport, CTA_PROTO_DST_PORT: dport }
  const { type, code, id } = icmp
  return addressFamily(src) === AF_INET
    ? { CTA_PROTO_ICMP_ID: id, CTA_PROTO_ICMP_TYPE: type, CTA_PROTO_ICMP_CODE: code }
    : { CTA_PROTO_ICMPV6_ID: id, CTA_PROTO_ICMPV6_TYPE: type, CTA_PROTO_ICMPV6_CODE: code }
}
