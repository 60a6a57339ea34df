import { attributes, nested } from './attributes.ts'

/** linux/if_link.h */
export const IFLA_INFO = attributes({
  IFLA_INFO_KIND: [1, 'string'],
  /** Its table depends on the kind. */
  IFLA_INFO_DATA: [2, 'nestedBytes'],
})

/** linux/if_link.h; only what Sluice sets or reads. */
export const IFLA = attributes({
  IFLA_ADDRESS: [1, 'binary'],
  IFLA_IFNAME: [3, 'string'],
  IFLA_MTU: [4, 'u32'],
  IFLA_LINK: [5, 'u32'],
  IFLA_MASTER: [10, 'u32'],
  IFLA_OPERSTATE: [16, 'u8'],
  IFLA_LINKINFO: [18, nested(IFLA_INFO)],
  IFLA_NET_NS_PID: [19, 'u32'],
  IFLA_GROUP: [27, 'u32'],
  IFLA_NET_NS_FD: [28, 'u32'],
  IFLA_EXT_MASK: [29, 'u32'],
  IFLA_NUM_TX_QUEUES: [31, 'u32'],
  IFLA_NUM_RX_QUEUES: [32, 'u32'],
  IFLA_LINK_NETNSID: [37, 's32'],
})

/** linux/if_link.h; only what Sluice reads. */
export const IFLA_BR = attributes({ IFLA_BR_VLAN_FILTERING: [7, 'u8'] })

/** linux/veth.h: struct ifinfomsg, then attributes of IFLA. */
export const VETH_INFO = attributes({ VETH_INFO_PEER: [1, 'binary'] })

/** linux/if_link.h; only what Sluice sets or reads. The local address has an attribute for each family. */
export const IFLA_VXLAN = attributes({
  IFLA_VXLAN_ID: [1, 'u32'],
  IFLA_VXLAN_LOCAL: [4, 'binary'],
  IFLA_VXLAN_LEARNING: [7, 'u8'],
  IFLA_VXLAN_PORT: [15, 'be16'],
  IFLA_VXLAN_LOCAL6: [17, 'binary'],
})

/** linux/if.h */
export const IFF_UP = 0x1
export const IFF_NOARP = 0x80

/** linux/rtnetlink.h: leaves the counters, half of the message, out of answers. */
export const RTEXT_FILTER_SKIP_STATS = 0x8
