/** An IPv4 address as an unsigned 32-bit number. The two families tell themselves apart by `typeof`. */
export type Ip4 = number & { readonly __brand: 'ip4' }
/** An IPv6 address as an unsigned 128-bit integer. */
export type Ip6 = bigint & { readonly __brand: 'ip6' }
/** Usable as a `Map` key as it is. */
export type Address = Ip4 | Ip6
export type Family = 4 | 6

/** A block of addresses of one family, host bits cleared. */
export interface Cidr {
  readonly first: Address
  readonly last: Address
  readonly prefix: number
}

export function familyOf(address: Address): Family {
  return typeof address === 'number' ? 4 : 6
}
