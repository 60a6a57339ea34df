import { attributes, nested } from './attributes.ts'

/** linux/netfilter/nfnetlink_conntrack.h; only what Sluice sets or reads. */
const CTA_IP = attributes({
  CTA_IP_V4_SRC: [1, 'binary'],
  CTA_IP_V4_DST: [2, 'binary'],
  CTA_IP_V6_SRC: [3, 'binary'],
  CTA_IP_V6_DST: [4, 'binary'],
})

const CTA_PROTO = attributes({
  CTA_PROTO_NUM: [1, 'u8'],
  CTA_PROTO_SRC_PORT: [2, 'be16'],
  CTA_PROTO_DST_PORT: [3, 'be16'],
  CTA_PROTO_ICMP_ID: [4, 'be16'],
  CTA_PROTO_ICMP_TYPE: [5, 'u8'],
  CTA_PROTO_ICMP_CODE: [6, 'u8'],
  CTA_PROTO_ICMPV6_ID: [7, 'be16'],
  CTA_PROTO_ICMPV6_TYPE: [8, 'u8'],
  CTA_PROTO_ICMPV6_CODE: [9, 'u8'],
})

export const CTA_TUPLE = attributes({
  CTA_TUPLE_IP: [1, nested(CTA_IP)],
  CTA_TUPLE_PROTO: [2, nested(CTA_PROTO)],
  /** Where a zone holds for one direction only. */
  CTA_TUPLE_ZONE: [3, 'be16'],
})

const CTA_PROTOINFO_TCP = attributes({ CTA_PROTOINFO_TCP_STATE: [1, 'u8'] })
const CTA_PROTOINFO = attributes({ CTA_PROTOINFO_TCP: [1, nested(CTA_PROTOINFO_TCP)] })

export const CTA = attributes({
  CTA_TUPLE_ORIG: [1, nested(CTA_TUPLE)],
  CTA_TUPLE_REPLY: [2, nested(CTA_TUPLE)],
  CTA_STATUS: [3, 'be32'],
  CTA_PROTOINFO: [4, nested(CTA_PROTOINFO)],
  CTA_TIMEOUT: [7, 'be32'],
  CTA_MARK: [8, 'be32'],
  CTA_ID: [12, 'be32'],
  CTA_TUPLE_MASTER: [14, nested(CTA_TUPLE)],
  CTA_ZONE: [18, 'be16'],
})
