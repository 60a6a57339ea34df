import { struct } from './struct.ts'

/** linux/netlink.h */
export const nlmsghdr = struct('nlmsghdr', {
  nlmsg_len: 'u32',
  nlmsg_type: 'u16',
  nlmsg_flags: 'u16',
  nlmsg_seq: 'u32',
  nlmsg_pid: 'u32',
})

/** linux/netlink.h */
export const sockaddr_nl = struct('sockaddr_nl', {
  nl_family: 'u16',
  nl_pad: 'u16',
  nl_pid: 'u32',
  nl_groups: 'u32',
})

/** linux/netfilter/nfnetlink.h */
export const nfgenmsg = struct('nfgenmsg', { nfgen_family: 'u8', version: 'u8', res_id: 'be16' })

/** linux/rtnetlink.h */
export const ifinfomsg = struct('ifinfomsg', {
  ifi_family: 'u8',
  ifi_pad: 'u8',
  ifi_type: 'u16',
  ifi_index: 's32',
  ifi_flags: 'u32',
  ifi_change: 'u32',
})

/** linux/if_addr.h */
export const ifaddrmsg = struct('ifaddrmsg', {
  ifa_family: 'u8',
  ifa_prefixlen: 'u8',
  ifa_flags: 'u8',
  ifa_scope: 'u8',
  ifa_index: 'u32',
})

/** linux/rtnetlink.h */
export const rtmsg = struct('rtmsg', {
  rtm_family: 'u8',
  rtm_dst_len: 'u8',
  rtm_src_len: 'u8',
  rtm_tos: 'u8',
  rtm_table: 'u8',
  rtm_protocol: 'u8',
  rtm_scope: 'u8',
  rtm_type: 'u8',
  rtm_flags: 'u32',
})

/** linux/neighbour.h */
export const ndmsg = struct('ndmsg', {
  ndm_family: 'u8',
  ndm_pad1: 'u8',
  ndm_pad2: 'u16',
  ndm_ifindex: 's32',
  ndm_state: 'u16',
  ndm_flags: 'u8',
  ndm_type: 'u8',
})

/** linux/rtnetlink.h */
export const tcmsg = struct('tcmsg', {
  tcm_family: 'u8',
  tcm__pad1: 'u8',
  tcm__pad2: 'u16',
  tcm_ifindex: 's32',
  tcm_handle: 'u32',
  tcm_parent: 'u32',
  tcm_info: 'u32',
})

/** linux/fib_rules.h */
export const fib_rule_hdr = struct('fib_rule_hdr', {
  family: 'u8',
  dst_len: 'u8',
  src_len: 'u8',
  tos: 'u8',
  table: 'u8',
  res1: 'u8',
  res2: 'u8',
  action: 'u8',
  flags: 'u32',
})
