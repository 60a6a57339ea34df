import { Place } from '../../src/lab/place.ts'
import { byFamily } from '../harness/by-family.ts'
import type { ReachEnd } from '../harness/expect-reach.ts'
import type { Closers } from './closers.ts'

/** A pod that sends or answers. */
export interface PodEnd extends ReachEnd {
  /** Path of its namespace. */
  readonly netns: string
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
  return { name, netns, place, addresses: byFamily(name, addresses) }
}
