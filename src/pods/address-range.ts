import type { Address } from '../policy/address.ts'

/** Addresses of one family from the first to the last, both included. */
export interface AddressRange {
  readonly first: Address
  readonly last: Address
}
