import { Place } from '../../src/lab/place.ts'
import type { Family } from '../../src/policy/address.ts'
import type { Closers } from './closers.ts'

/** A pod that sends or answers: its namespace, a thread there, and its addresses. */
export interface PodEnd {
  readonly name: string
  /** Path. */
  readonly netns: string
  readonly place: Place
  readonly addresses: Readonly<Record<Family, string>>
}

/** TCP and UDP. */
export const IPERF_PORT = 5201
/** Where `requests.c` answers. */
export const REQUEST_PORT = 5202
/** Where a server's thread answers, for the checks of verdicts. */
export const CHECK_PORT = 5203

/** @param addresses one a family */
export function openEnd(
  name: string,
  netns: string,
  addresses: readonly string[],
  closers: Closers,
): PodEnd {
  const place = new Place({ name, netns })
  closers.push(() => place.close())
  const of = (isIpv6: boolean): string => {
    const found = addresses.find((address) => address.includes(':') === isIpv6)
    if (found === undefined) throw new Error(`${name} was given only ${addresses.join()}.`)
    return found
  }
  return { name, netns, place, addresses: { 4: of(false), 6: of(true) } }
}
