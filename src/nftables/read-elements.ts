import type { ValuesOf } from '../netlink/attributes.ts'
import { NFT_SET_ELEM_CATCHALL, NFT_SET_ELEM_INTERVAL_END } from './attributes.ts'
import type { NFTA_SET_ELEM } from './attributes.ts'
import { NftablesError } from './errors.ts'
import { describeSet, hasBounds } from './set.ts'
import type { AnyElement, AnyValue, SetNode } from './set.ts'
import { dataLayout, keyLayout, readFields } from './set-layout.ts'
import type { Layout } from './set-layout.ts'

/** An element as the kernel holds it. */
export type RawElement = ValuesOf<typeof NFTA_SET_ELEM>

/** An element of a dump; in sets with timeouts, how much of its life is left. */
export interface ListedElement extends AnyElement {
  readonly expiresMs?: number
}

/**
 * All elements of a set, as `addElements` takes them: bounds joined to intervals, `last` only where it
 * differs from `key`. Intervals come in ascending order, others as the kernel has them.
 *
 * @throws {NftablesError} when the elements are not of the set's types.
 */
export function readElements(set: SetNode, raw: readonly RawElement[]): ListedElement[] {
  return hasBounds(set) ? readIntervals(set, raw) : raw.map(elementReader(set))
}

/** Reads one element after the other. Not those of intervals of one key (`hasBounds`). */
export function elementReader(set: SetNode): (raw: RawElement) => ListedElement {
  const keys = keyLayout(set)
  const rest = restReader(set)
  return (raw) => {
    const key = isCatchAll(raw) ? '*' : readFields(keys, keyOf(set, raw))
    return { key, ...readEnd(keys, raw), ...rest(raw) }
  }
}

function readEnd(keys: Layout, raw: RawElement): { last?: AnyValue } {
  const end = raw.NFTA_SET_ELEM_KEY_END?.NFTA_DATA_VALUE
  const start = raw.NFTA_SET_ELEM_KEY?.NFTA_DATA_VALUE
  if (end === undefined || start === undefined || Buffer.compare(start, end) === 0) return {}
  return { last: readFields(keys, end) }
}

/** Data and timeouts; a timeout that is the set's own is not named. */
function restReader(set: SetNode): (raw: RawElement) => Omit<ListedElement, 'key' | 'last'> {
  const values = dataLayout(set)
  return (raw) => {
    const data = raw.NFTA_SET_ELEM_DATA?.NFTA_DATA_VALUE
    const timeoutMs = raw.NFTA_SET_ELEM_TIMEOUT && Number(raw.NFTA_SET_ELEM_TIMEOUT)
    const expires = raw.NFTA_SET_ELEM_EXPIRATION
    return {
      ...(data && { data: readFields(values, data) }),
      ...(timeoutMs && timeoutMs !== set.timeoutMs && { timeoutMs }),
      ...(expires !== undefined && { expiresMs: Number(expires) }),
    }
  }
}

interface Bound {
  readonly at: Uint8Array
  readonly raw: RawElement
  readonly isEnd: boolean
}

/** From each start to just before the next bound, whichever it is; to the end of the space if none. */
function readIntervals(set: SetNode, raw: readonly RawElement[]): ListedElement[] {
  const keys = keyLayout(set)
  const rest = restReader(set)
  const elements: ListedElement[] = []
  const bounds: Bound[] = []
  for (const element of raw) {
    if (isCatchAll(element)) elements.push({ key: '*', ...rest(element) })
    else {
      const isEnd = ((element.NFTA_SET_ELEM_FLAGS ?? 0) & NFT_SET_ELEM_INTERVAL_END) !== 0
      bounds.push({ at: keyOf(set, element), raw: element, isEnd })
    }
  }
  bounds.sort((a, b) => Buffer.compare(a.at, b.at) || Number(b.isEnd) - Number(a.isEnd))
  for (const [index, bound] of bounds.entries()) {
    if (bound.isEnd) continue
    const next = bounds[index + 1]
    const last = next ? before(next.at) : new Uint8Array(keys.bytes).fill(0xff)
    const isRange = Buffer.compare(bound.at, last) !== 0
    const key = readFields(keys, bound.at)
    elements.push({ key, ...(isRange && { last: readFields(keys, last) }), ...rest(bound.raw) })
  }
  return elements
}

function isCatchAll(raw: RawElement): boolean {
  return ((raw.NFTA_SET_ELEM_FLAGS ?? 0) & NFT_SET_ELEM_CATCHALL) !== 0
}

function keyOf(set: SetNode, raw: RawElement): Uint8Array {
  const key = raw.NFTA_SET_ELEM_KEY?.NFTA_DATA_VALUE
  if (key) return key
  throw new NftablesError('NFT_DUMP', `An element of ${describeSet(set)} has no key.`)
}

/** One less, of a number of which the first byte is the highest. */
function before(bytes: Uint8Array): Uint8Array {
  const less = bytes.slice()
  for (let at = less.length - 1; at >= 0; at--) {
    const byte = less[at] ?? 0
    less[at] = byte - 1
    if (byte > 0) break
  }
  return less
}
