import { familyOf, formatAddress, formatCidr } from '../policy/address.ts'
import type { Address, Cidr, Family } from '../policy/address.ts'
import type { AddressRange } from './address-range.ts'
import { AddressPool } from './address-pool.ts'
import { PodNetworkError } from './errors.ts'

export interface IpamOptions {
  /**
   * Ranges of this node, of one family or both; each pod gets one address of each family named here. None where
   * others give the addresses.
   */
  readonly ranges: readonly Cidr[]
  /** How long a freed address rests, so that a node that still knows its old owner does not meet the new one. */
  readonly cooldownMs: number
  /** Milliseconds since the epoch: the time of freeing outlives the process. */
  readonly now: () => number
}

/** What a runtime asks of a pod's addresses. */
export interface AskedAddresses {
  /** These, the first of each family. */
  readonly requested?: readonly Address[]
  /** One of these ranges, in the families that they have. */
  readonly within?: readonly AddressRange[]
}

/** Hands out the addresses of one node. Keeps nothing on disk: `claim` and `free` bring the past back. */
export class Ipam {
  readonly #pools: readonly AddressPool[]
  readonly #cooldownMs: number
  readonly #now: () => number

  /** @throws RangeError when there is a range without room for a pod. */
  constructor(options: IpamOptions) {
    const families: readonly Family[] = [4, 6]
    this.#pools = families
      .map((family) => options.ranges.filter((range) => familyOf(range.first) === family))
      .filter((ranges) => ranges.length > 0)
      .map((ranges) => new AddressPool(ranges))
    this.#cooldownMs = options.cooldownMs
    this.#now = options.now
  }

  /**
   * One address of each family. All or nothing.
   *
   * @throws PodNetworkError (addressesExhausted, addressUnavailable).
   */
  allocate(asked: AskedAddresses = {}): readonly Address[] {
    const restedSince = this.restedSince()
    for (const range of asked.within ?? []) this.#refuseForeign(range)
    const chosen = this.#pools.map((pool) => choose(pool, asked, restedSince))
    const refused = asked.requested?.find((address) => !chosen.includes(address))
    if (refused !== undefined)
      throw unavailable(refused, 'has no range, or is not the first asked for')
    this.claim(chosen)
    return chosen
  }

  /** A range that reaches beyond ours would give a pod an address that nobody routes here. */
  #refuseForeign(range: AddressRange): void {
    const ranges = this.#pools.flatMap((pool) => pool.ranges)
    if (ranges.some((own) => includes(own, range.first) && includes(own, range.last))) return
    throw new PodNetworkError(
      'addressUnavailable',
      `The range ${formatRange(range)} asked for is not inside one of this node's ranges (${ranges.map(formatCidr).join(', ')})`,
    )
  }

  /** Takes addresses that a record of before says are in use. */
  claim(addresses: readonly Address[]): void {
    for (const pool of this.#pools) for (const address of addresses) pool.claim(address)
  }

  /** Gives addresses back. Repeating it changes nothing. */
  free(addresses: readonly Address[], freedAt: number = this.#now()): void {
    for (const pool of this.#pools) for (const address of addresses) pool.free(address, freedAt)
  }

  /** Whether it is of this node's ranges and could be some pod's, but is nobody's now. */
  isFree(address: Address): boolean {
    return this.#pools.some((pool) => pool.isFree(address))
  }

  /** Addresses freed by then may be used again. */
  restedSince(): number {
    return this.#now() - this.#cooldownMs
  }

  /** For status: what is in use of what. */
  usage(): readonly { ranges: readonly Cidr[]; used: number; capacity: bigint }[] {
    return this.#pools.map(({ ranges, used, capacity }) => ({ ranges, used, capacity }))
  }
}

function choose(
  pool: AddressPool,
  { requested = [], within = [] }: AskedAddresses,
  restedSince: number,
): Address {
  const ranges = within.filter(({ first }) => isOf(pool, first))
  const asked = requested.find((address) => isOf(pool, address))
  if (asked !== undefined) {
    const isWithin = ranges.length === 0 || ranges.some((range) => includes(range, asked))
    const obstacle = isWithin
      ? pool.obstacle(asked, restedSince)
      : 'is in none of the ranges asked for'
    if (obstacle !== undefined) throw unavailable(asked, obstacle)
    return asked
  }
  const address =
    ranges.length === 0 ? pool.next(restedSince) : pool.nextWithin(ranges, restedSince)
  if (address !== undefined) return address
  if (ranges.length > 0) {
    throw new PodNetworkError(
      'addressesExhausted',
      `All addresses of ${ranges.map(formatRange).join(', ')} are in use; ask for a larger range`,
    )
  }
  throw new PodNetworkError(
    'addressesExhausted',
    `All ${pool.capacity} addresses of ${pool.ranges.map(formatCidr).join(', ')} are in use (${pool.used} pods); give this node another range`,
  )
}

function isOf(pool: AddressPool, address: Address): boolean {
  return pool.ranges.some((range) => familyOf(range.first) === familyOf(address))
}

function includes({ first, last }: AddressRange, address: Address): boolean {
  return familyOf(first) === familyOf(address) && first <= address && address <= last
}

function formatRange({ first, last }: AddressRange): string {
  return `${formatAddress(first)}-${formatAddress(last)}`
}

function unavailable(address: Address, reason: string): PodNetworkError {
  return new PodNetworkError(
    'addressUnavailable',
    `The address ${formatAddress(address)} asked for ${reason}`,
  )
}
