import { nfgenmsg } from '../netlink/headers.ts'
import { encodeStruct } from '../netlink/struct.ts'

/** The packets that a table sees; `inet` is both `ip` and `ip6`, `bridge` all frames that a bridge port gets. */
export type Family = 'inet' | 'ip' | 'ip6' | 'bridge'

/** linux/netfilter.h */
export const NFPROTO: Readonly<Record<Family, number>> = { inet: 1, ip: 2, bridge: 7, ip6: 10 }

/** The fixed header of every message about a table of the family. */
export function familyHeader(family: Family): Uint8Array {
  return encodeStruct(nfgenmsg, { nfgen_family: NFPROTO[family] })
}
