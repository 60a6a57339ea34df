import { ip4, ip6 } from '../policy/address.ts'
import type { Address, Family } from '../policy/address.ts'

/**
 * The next hop of every pod, 169.254.1.1 and fe80::1. Nobody has these addresses: a permanent neighbour entry
 * in the pod leads them to the node's end of its link.
 */
export const GATEWAYS: Readonly<Record<Family, Address>> = {
  4: ip4(0xa9fe_0101),
  6: ip6((0xfe80n << 112n) | 1n),
}
