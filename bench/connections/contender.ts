import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { listCounters } from '../../src/nftables/list.ts'
import { CLIENT, STRANGER } from './cluster.ts'
import { forgetConnections, LOCALS, openPlace, type Place, readRuleset } from './place.ts'
import { TRACKING_AND_TRANSLATION, TRACKING_ONLY, USUAL_DENIED, usualLayout } from './rulesets.ts'
import type { Amount, Sender, Traffic } from './sender.ts'
import { establishSluice, SLUICE_DENIED } from './sluice-table.ts'

/** A node of its own with one way to judge packets. */
export interface Contender {
  readonly place: Place
  /** Counts what it denies; undefined where nobody is denied. */
  readonly denied: { readonly table: string; readonly counter: string } | undefined
}

export type Kind = 'nothing' | 'tracking' | 'translation' | 'sluice' | 'usual'

/** @param title of its namespaces */
export async function openContender(
  title: string,
  kind: Kind,
  policies: number,
): Promise<Contender> {
  const place = openPlace(title)
  try {
    return { place, denied: await KINDS[kind](place, policies) }
  } catch (error) {
    place.close()
    throw error
  }
}

/** Nanoseconds that each batch of new flows took, by flow. @throws when one of them was refused */
export async function measure(
  sender: Sender,
  { place }: Contender,
  traffic: Traffic,
  amount: Amount,
): Promise<number[]> {
  forgetConnections(place)
  const batches = await sender.send(place, traffic, CLIENT, amount)
  if (batches.some(({ arrived }) => arrived !== amount.flows)) {
    throw new Error(
      `WRONG VERDICT: ${place.node} lets not every ${traffic} flow of the client through.`,
    )
  }
  return batches.map(({ nanosecondsPerFlow }) => nanosecondsPerFlow)
}

/**
 * A few flows that policy allows, and where there is policy a few that it denies.
 *
 * @throws unless every one of the first arrives, and every one of the others is counted as denied
 */
export async function check(sender: Sender, contender: Contender): Promise<void> {
  for (const traffic of ['tcp', 'udp'] as const) {
    await measure(sender, contender, traffic, { batches: 1, flows: 20 })
    if (contender.denied !== undefined) await checkDenied(sender, contender, traffic)
  }
}

async function checkDenied(
  sender: Sender,
  { place, denied }: Contender,
  traffic: Traffic,
): Promise<void> {
  const before = countOf(place.socket, denied)
  const batches = await sender.send(place, traffic, STRANGER, { batches: 1, flows: DENIED_FLOWS })
  const counted = countOf(place.socket, denied) - before
  if (batches.some(({ arrived }) => arrived > 0) || counted < DENIED_FLOWS) {
    throw new Error(
      `WRONG VERDICT: ${place.node} counts ${counted} denied packets of ${DENIED_FLOWS} ${traffic} flows.`,
    )
  }
}

/** An attempt to connect takes a while to give up. */
const DENIED_FLOWS = 3

function countOf(socket: NetlinkSocket, denied: Contender['denied']): bigint {
  if (denied === undefined) return 0n
  const counters = listCounters(socket, { family: 'inet', table: denied.table })
  return counters.find(({ counter }) => counter === denied.counter)?.packets ?? 0n
}

const KINDS: Readonly<
  Record<Kind, (place: Place, policies: number) => Promise<Contender['denied']>>
> = {
  nothing: async () => undefined,
  tracking: async (place) => {
    readRuleset(place, TRACKING_ONLY)
    return undefined
  },
  translation: async (place) => {
    readRuleset(place, TRACKING_AND_TRANSLATION)
    return undefined
  },
  sluice: async ({ socket }, policies) => {
    await establishSluice(socket, policies, LOCALS)
    return SLUICE_DENIED
  },
  usual: async (place, policies) => {
    readRuleset(place, usualLayout(policies))
    return USUAL_DENIED
  },
}
