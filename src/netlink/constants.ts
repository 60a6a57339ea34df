/** Netlink families: the `protocol` of a socket (linux/netlink.h). */
export const NETLINK_ROUTE = 0
export const NETLINK_NETFILTER = 12

/** nlmsg_flags (linux/netlink.h); several meanings share a bit, by the kind of message. */
export const NLM_F_REQUEST = 0x1
export const NLM_F_ACK = 0x4
export const NLM_F_ECHO = 0x8
export const NLM_F_DUMP_INTR = 0x10
/** Of GET requests. */
export const NLM_F_DUMP = 0x300
/** Of NEW requests. */
export const NLM_F_REPLACE = 0x100
export const NLM_F_EXCL = 0x200
export const NLM_F_CREATE = 0x400
export const NLM_F_APPEND = 0x800
/** Of answers. */
export const NLM_F_CAPPED = 0x100
export const NLM_F_ACK_TLVS = 0x200

/** nlmsg_type of what every netlink family has in common. */
export const NLMSG_NOOP = 1
export const NLMSG_ERROR = 2
export const NLMSG_DONE = 3

/** Address families (linux/socket.h) and the netfilter ones (linux/netfilter.h). */
export const AF_UNSPEC = 0
export const AF_INET = 2
export const AF_BRIDGE = 7
export const AF_INET6 = 10
export const AF_NETLINK = 16
export const NFPROTO_INET = 1
