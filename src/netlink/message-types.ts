/** nlmsg_type by the kernel's name. rtnetlink: linux/rtnetlink.h. */
const RTM = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_SETLINK: 19,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
  RTM_NEWNEIGH: 28,
  RTM_DELNEIGH: 29,
  RTM_GETNEIGH: 30,
  RTM_NEWRULE: 32,
  RTM_DELRULE: 33,
  RTM_GETRULE: 34,
  RTM_NEWQDISC: 36,
  RTM_DELQDISC: 37,
  RTM_GETQDISC: 38,
} as const

/** linux/netfilter/nfnetlink_conntrack.h, subsystem NFNL_SUBSYS_CTNETLINK. */
const CTNETLINK = 1 << 8
const CT = {
  IPCTNL_MSG_CT_NEW: CTNETLINK | 0,
  IPCTNL_MSG_CT_GET: CTNETLINK | 1,
  IPCTNL_MSG_CT_DELETE: CTNETLINK | 2,
  IPCTNL_MSG_CT_GET_STATS: CTNETLINK | 5,
} as const

/** linux/netfilter/nfnetlink_log.h, subsystem NFNL_SUBSYS_ULOG. */
const ULOG = 4 << 8
const NFULNL = { NFULNL_MSG_PACKET: ULOG | 0, NFULNL_MSG_CONFIG: ULOG | 1 } as const

/** linux/netfilter/nf_tables.h. */
export const NFNL_SUBSYS_NFTABLES = 10
const NFTABLES = NFNL_SUBSYS_NFTABLES << 8
const NFT = {
  NFT_MSG_NEWTABLE: NFTABLES | 0,
  NFT_MSG_GETTABLE: NFTABLES | 1,
  NFT_MSG_DELTABLE: NFTABLES | 2,
  NFT_MSG_NEWCHAIN: NFTABLES | 3,
  NFT_MSG_GETCHAIN: NFTABLES | 4,
  NFT_MSG_DELCHAIN: NFTABLES | 5,
  NFT_MSG_NEWRULE: NFTABLES | 6,
  NFT_MSG_GETRULE: NFTABLES | 7,
  NFT_MSG_DELRULE: NFTABLES | 8,
  NFT_MSG_NEWSET: NFTABLES | 9,
  NFT_MSG_GETSET: NFTABLES | 10,
  NFT_MSG_DELSET: NFTABLES | 11,
  NFT_MSG_NEWSETELEM: NFTABLES | 12,
  NFT_MSG_GETSETELEM: NFTABLES | 13,
  NFT_MSG_DELSETELEM: NFTABLES | 14,
  NFT_MSG_NEWGEN: NFTABLES | 15,
  NFT_MSG_GETGEN: NFTABLES | 16,
  NFT_MSG_TRACE: NFTABLES | 17,
  NFT_MSG_NEWOBJ: NFTABLES | 18,
  NFT_MSG_GETOBJ: NFTABLES | 19,
  NFT_MSG_DELOBJ: NFTABLES | 20,
  NFT_MSG_GETOBJ_RESET: NFTABLES | 21,
  NFT_MSG_NEWFLOWTABLE: NFTABLES | 22,
  NFT_MSG_GETFLOWTABLE: NFTABLES | 23,
  NFT_MSG_DELFLOWTABLE: NFTABLES | 24,
} as const

export const MESSAGE_TYPES = { ...RTM, ...CT, ...NFULNL, ...NFT } as const

/** Messages around a batch (linux/netfilter/nfnetlink.h). */
export const NFNL_MSG_BATCH_BEGIN = 16
export const NFNL_MSG_BATCH_END = 17

const names = new Map<number, string>(
  Object.entries(MESSAGE_TYPES).map(([name, type]) => [type, name]),
)

/** The kernel's name of a message type, for errors and logs. */
export function messageName(type: number): string {
  return names.get(type) ?? `message type ${type}`
}
