import { contains, ip4, ip6 } from '../policy/address.ts'
import type { Address, Cidr } from '../policy/address.ts'
import type { AddressRange } from './address-range.ts'

/**
 * The addresses of one family. No step looks at more addresses than have been in use, whatever the size of
 * the ranges. Time is in milliseconds and comes in with each call.
 */
export class AddressPool {
  readonly ranges: readonly Cidr[]
  /** How many addresses pods can have in all. */
  readonly capacity: bigint
  readonly #used = new Set<Address>()
  /** When each was given back; a `Map` keeps the first freed first. Never also in `#used`. */
  readonly #freed = new Map<Address, number>()
  /** Addresses that were never used, in order; `#fresh` is the next of them. */
  readonly #untouched: Iterator<Address, undefined>
  #fresh: Address | undefined

  /** @throws RangeError when a range has no room for a pod. */
  constructor(ranges: readonly Cidr[]) {
    this.ranges = ranges
    this.capacity = ranges.map(capacityOf).reduce((sum, count) => sum + count, 0n)
    this.#untouched = usableAddresses(ranges)
    this.#fresh = this.#untouched.next().value
  }

  get used(): number {
    return this.#used.size
  }

  /**
   * The address that the next pod should get: the longest freed one that was freed by `restedSince`, else one
   * never used, else the longest freed of all; undefined when all are in use.
   */
  next(restedSince: number): Address | undefined {
    const oldest = this.#freed.entries().next().value
    if (oldest !== undefined && oldest[1] <= restedSince) return oldest[0]
    return this.#nextFresh() ?? oldest?.[0]
  }

  /** The same among the addresses of these ranges. */
  nextWithin(ranges: readonly AddressRange[], restedSince: number): Address | undefined {
    const isWithin = (address: Address): boolean =>
      ranges.some(({ first, last }) => first <= address && address <= last)
    const oldest = this.#freed.entries().find(([address]) => isWithin(address))
    if (oldest !== undefined && oldest[1] <= restedSince) return oldest[0]
    for (const { first, last } of ranges.flatMap((range) => this.#usablePart(range))) {
      for (const address of addressesFrom(first, last)) {
        if (!this.#used.has(address) && !this.#freed.has(address)) return address
      }
    }
    return oldest?.[0]
  }

  /** Why a pod cannot get this very address now, or undefined if it can. */
  obstacle(address: Address, restedSince: number): string | undefined {
    if (!this.ranges.some((range) => isUsable(range, address))) return 'is in no range of this node'
    if (this.#used.has(address)) return 'is in use'
    const freedAt = this.#freed.get(address)
    const restMs = freedAt === undefined ? 0 : freedAt - restedSince
    return restMs > 0 ? `was freed just now; ask again in ${restMs} ms` : undefined
  }

  /** Whether a pod could have it and none has. */
  isFree(address: Address): boolean {
    return !this.#used.has(address) && this.ranges.some((range) => isUsable(range, address))
  }

  /** Marks it as used. Addresses outside the ranges are nobody's to give, so they are not kept. */
  claim(address: Address): void {
    if (!this.#holds(address)) return
    this.#freed.delete(address)
    this.#used.add(address)
  }

  /** Gives it back, freed at that time; not used before is no error and changes nothing. */
  free(address: Address, freedAt: number): void {
    if (this.#used.delete(address)) this.#freed.set(address, freedAt)
  }

  /** What pods can have of a range inside one of ours. */
  #usablePart(range: AddressRange): AddressRange[] {
    return this.ranges
      .filter((own) => contains(own, range.first))
      .map(bounds)
      .map(({ first, last }) => ({
        first: range.first < first ? first : range.first,
        last: range.last > last ? last : range.last,
      }))
  }

  #holds(address: Address): boolean {
    return this.ranges.some((range) => contains(range, address))
  }

  #nextFresh(): Address | undefined {
    while (
      this.#fresh !== undefined &&
      (this.#used.has(this.#fresh) || this.#freed.has(this.#fresh))
    ) {
      this.#fresh = this.#untouched.next().value
    }
    return this.#fresh
  }
}

/** Addresses at the beginning of a range that no pod gets: network and gateway; in IPv6 the router's anycast (RFC 4291, 2.6.1). */
function reservedAtStart(range: Cidr): number {
  return typeof range.first === 'number' ? 2 : 1
}

/** The broadcast address. */
function reservedAtEnd(range: Cidr): number {
  return typeof range.first === 'number' ? 1 : 0
}

function capacityOf(range: Cidr): bigint {
  const size = BigInt(range.last) - BigInt(range.first) + 1n
  const capacity = size - BigInt(reservedAtStart(range) + reservedAtEnd(range))
  if (capacity < 1n) throw new RangeError(`A range of /${range.prefix} has no room for a pod`)
  return capacity
}

function isUsable(range: Cidr, address: Address): boolean {
  const { first, last } = bounds(range)
  return typeof first === typeof address && first <= address && address <= last
}

function bounds(range: Cidr): AddressRange {
  return {
    first: plus(range.first, reservedAtStart(range)),
    last: plus(range.last, -reservedAtEnd(range)),
  }
}

function* usableAddresses(ranges: readonly Cidr[]): Generator<Address, undefined> {
  for (const range of ranges) {
    const { first, last } = bounds(range)
    yield* addressesFrom(first, last)
  }
}

function* addressesFrom(first: Address, last: Address): Generator<Address, void> {
  if (first > last) return
  for (let address = first; address < last; address = plus(address, 1)) yield address
  yield last
}

function plus(address: Address, count: number): Address {
  return typeof address === 'number' ? ip4(address + count) : ip6(address + BigInt(count))
}
