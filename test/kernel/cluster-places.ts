import { expect } from 'vitest'
import { Place } from '../../src/lab/place.ts'
import type { Knock, Outcome } from '../../src/lab/place-messages.ts'
import { type Address, type Family, familyOf, formatAddress } from '../../src/policy/address.ts'
import { ofFamily, type SmallCluster } from './small-cluster.ts'

export interface ClusterPlaces {
  /** Of these pods, and of the node by the name `node`. */
  readonly open: (pods: readonly string[]) => Promise<void>
  readonly place: (name: string) => Place
  /** An address of the pod. */
  readonly of: (pod: string, family: Family) => Address
  /** Whether the service at an address answers, asked from the pod's own address of that family or from another. */
  readonly knock: (from: string, to: Address, own?: Address) => Promise<Outcome>
  readonly close: () => Promise<void>
}

export const SERVICE_PORT = 5000
const PATIENCE_MS = 300

/** What comes of a knock that policy denies. */
export const REFUSED: Outcome = { kind: 'unanswered', detail: expect.any(String) }

/** Pods of a cluster and its one node, each with a TCP service on all of its addresses. */
export function clusterPlaces(cluster: SmallCluster): ClusterPlaces {
  const places = new Map<string, Place>()
  const openOne = async (
    name: string,
    netns: string,
    addresses: readonly Address[],
  ): Promise<void> => {
    const place = new Place({ name, netns })
    places.set(name, place)
    const services = addresses.map((address) => {
      return { protocol: 'TCP', port: SERVICE_PORT, address: formatAddress(address) } as const
    })
    await place.listen(services)
  }
  const place = (name: string): Place => {
    const found = places.get(name)
    if (found === undefined) throw new Error(`There is no place ${name}.`)
    return found
  }
  const of = (pod: string, family: Family): Address => ofFamily(cluster.pod(pod).addresses, family)
  return {
    open: async (pods) => {
      for (const name of pods) {
        const { netns, addresses } = cluster.pod(name)
        await openOne(name, netns, addresses)
      }
      await openOne('node', cluster.node.netns, cluster.node.addresses.own)
    },
    place,
    of,
    knock: (from, to, own = of(from, familyOf(to))) => place(from).knock(knockOf(own, to)),
    close: async () => {
      await Promise.all(Array.from(places.values(), (one) => one.close()))
    },
  }
}

/** A packet to the service at that address. */
export function knockOf(from: Address, to: Address): Knock {
  return {
    protocol: 'TCP',
    from: formatAddress(from),
    to: formatAddress(to),
    port: SERVICE_PORT,
    timeoutMs: PATIENCE_MS,
  }
}
