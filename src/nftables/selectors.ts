import type { SymbolOf, TypeName } from './datatypes.ts'

/**
 * What a rule can read of a packet, in nft's words: where the kernel finds it, its type, and what must be
 * known of the packet first (`needs`, in this order) for the bytes to mean that.
 */
export const selectors = {
  iifname: { load: meta(6), type: 'ifname', needs: [] },
  oifname: { load: meta(7), type: 'ifname', needs: [] },
  'meta protocol': { load: meta(1), type: 'ethertype', needs: [] },
  'meta priority': { load: meta(2), type: 'classid', needs: [] },
  'meta mark': { load: meta(3), type: 'mark', needs: [] },
  'meta nfproto': { load: meta(15), type: 'nfproto', needs: [] },
  'meta l4proto': { load: meta(16), type: 'inet_proto', needs: [] },
  'ether saddr': { load: payload('link', 6, 6), type: 'ether_addr', needs: [] },
  'arp saddr ether': { load: payload('network', 8, 6), type: 'ether_addr', needs: ['arp'] },
  'arp saddr ip': { load: payload('network', 14, 4), type: 'ipv4_addr', needs: ['arp'] },
  'ip saddr': { load: payload('network', 12, 4), type: 'ipv4_addr', needs: ['ipv4'] },
  'ip daddr': { load: payload('network', 16, 4), type: 'ipv4_addr', needs: ['ipv4'] },
  'ip6 saddr': { load: payload('network', 8, 16), type: 'ipv6_addr', needs: ['ipv6'] },
  'ip6 daddr': { load: payload('network', 24, 16), type: 'ipv6_addr', needs: ['ipv6'] },
  'ip6 hoplimit': { load: payload('network', 7, 1), type: 'integer', needs: ['ipv6'] },
  'th sport': { load: payload('transport', 0, 2), type: 'inet_service', needs: [] },
  'th dport': { load: payload('transport', 2, 2), type: 'inet_service', needs: [] },
  'tcp sport': { load: payload('transport', 0, 2), type: 'inet_service', needs: ['tcp'] },
  'tcp dport': { load: payload('transport', 2, 2), type: 'inet_service', needs: ['tcp'] },
  'tcp flags': { load: payload('transport', 13, 1), type: 'tcp_flag', needs: ['tcp'] },
  'udp sport': { load: payload('transport', 0, 2), type: 'inet_service', needs: ['udp'] },
  'udp dport': { load: payload('transport', 2, 2), type: 'inet_service', needs: ['udp'] },
  /** The network identifier of VXLAN, 4 bytes into what UDP carries (RFC 7348 section 5); nft lists it as this. */
  '@th,96,24': { load: payload('transport', 12, 3), type: 'integer24', needs: ['udp'] },
  'icmp type': { load: payload('transport', 0, 1), type: 'icmp_type', needs: ['ipv4', 'icmp'] },
  'icmpv6 type': {
    load: payload('transport', 0, 1),
    type: 'icmpv6_type',
    needs: ['ipv6', 'ipv6-icmp'],
  },
  'ct state': { load: ct(0), type: 'ct_state', needs: [] },
  'ct direction': { load: ct(1), type: 'ct_dir', needs: [] },
  'ct status': { load: ct(2), type: 'ct_status', needs: [] },
  'fib saddr type': { load: fib(1), type: 'fib_addrtype', needs: [] },
  'fib daddr type': { load: fib(2), type: 'fib_addrtype', needs: [] },
} as const satisfies Record<string, SelectorEntry>

export type Selector = keyof typeof selectors

/** The data type of what a selector reads. */
export type TypeOf<S extends Selector> = (typeof selectors)[S]['type']
export type TypesOf<S extends readonly Selector[]> = { readonly [I in keyof S]: TypeOf<S[I]> }

export interface SelectorEntry {
  readonly load: Load
  readonly type: TypeName
  readonly needs: readonly Need[]
}

/**
 * Facts on which protocol headers rest: `meta l4proto` has this value, or it is a packet of this network protocol
 * (`arp` only in tables of the bridge family).
 */
export type Need = SymbolOf<'nfproto'> | 'arp' | SymbolOf<'inet_proto'>

export type Load =
  /** `key`: enum nft_meta_keys. */
  | { readonly kind: 'meta'; readonly key: number }
  /** `offset` and `length` in bytes. */
  | {
      readonly kind: 'payload'
      readonly base: 'link' | 'network' | 'transport'
      readonly offset: number
      readonly length: number
    }
  /** `key`: enum nft_ct_keys. */
  | { readonly kind: 'ct'; readonly key: number }
  /** The type of the address; `flags`: NFTA_FIB_F_SADDR 1, NFTA_FIB_F_DADDR 2. */
  | { readonly kind: 'fib'; readonly flags: number }

function meta(key: number) {
  return { kind: 'meta', key } as const
}

function payload(base: 'link' | 'network' | 'transport', offset: number, length: number) {
  return { kind: 'payload', base, offset, length } as const
}

function ct(key: number) {
  return { kind: 'ct', key } as const
}

function fib(flags: number) {
  return { kind: 'fib', flags } as const
}
