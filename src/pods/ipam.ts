import { familyOf, formatAddress, formatCidr } from '../policy/address.ts'
import type { Address, Cidr, Family } from '../policy/address.ts'
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
   * One address of each family; of those requested where there are any. All or nothing.
   *
   * @throws PodNetworkError (addressesExhausted, addressUnavailable).
   */
  allocate(requested: readonly Address[] = []): readonly Address[] {
    const restedSince = this.restedSince()
    const chosen = this.#pools.map((pool) => choose(pool, requested, restedSince))
    const refused = requested.find((address) => !chosen.includes(address))
    if (refused !== undefined)
      throw unavailable(refused, 'has no range, or is not the first asked for')
    this.claim(chosen)
    return chosen
  }

  /** Takes addresses that a record of before says are in use. */
  claim(addresses: readonly Address[]): void {
    for (const pool of this.#pools) for (const address of addresses) pool.claim(address)
  }

  /** Gives addresses back. Repeating it changes nothing. */
  free(addresses: readonly Address[], freedAt: number = this.#now()): void {
    for (const pool of this.#pools) for (const address of addresses) pool.free(address, freedAt)
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

function choose(pool: AddressPool, requested: readonly Address[], restedSince: number): Address {
  const asked = requested.find((address) =>
    pool.ranges.some((range) => familyOf(range.first) === familyOf(address)),
  )
  if (asked !== undefined) {
    const obstacle = pool.obstacle(asked, restedSince)
    if (obstacle !== undefined) throw unavailable(asked, obstacle)
    return asked
  }
  const address = pool.next(restedSince)
  if (address !== undefined) return address
  throw new PodNetworkError(
    'addressesExhausted',
    `All ${pool.capacity} addresses of ${pool.ranges.map(formatCidr).join(', ')} are in use (${pool.used} pods); give this node another range`,
  )
}

function unavailable(address: Address, reason: string): PodNetworkError {
  return new PodNetworkError(
    'addressUnavailable',
    `The address ${formatAddress(address)} asked for ${reason}`,
  )
}
