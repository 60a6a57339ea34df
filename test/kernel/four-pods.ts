import { expect } from 'vitest'
import type { Family } from '../../src/policy/address.ts'
import { type ClusterPlaces, clusterPlaces, REFUSED } from './cluster-places.ts'
import { apps, policy, type SmallCluster } from './small-cluster.ts'

export interface FourPods extends Omit<ClusterPlaces, 'open'> {
  readonly names: readonly string[]
  /** Attaches them, and puts their policies into force. */
  readonly open: () => Promise<void>
  /** Packets between them have the verdicts that policy gives them. */
  readonly expectVerdicts: (family: Family) => Promise<void>
}

/** Pods of a cluster of one node: only `client` may reach `web`, `jailed` may reach nobody, `other` all the rest. */
export function fourPods(cluster: SmallCluster): FourPods {
  const places = clusterPlaces(cluster)
  const { knock, of } = places
  const names = ['web', 'client', 'other', 'jailed']
  return {
    ...places,
    names,
    open: async () => {
      await cluster.enforce(
        policy('web', 'web', { ingress: [{ from: apps('client') }] }),
        policy('jailed', 'jailed', { policyTypes: ['Egress'] }),
      )
      await cluster.add(...names.map((name) => ({ name })))
      await places.open(names)
    },
    expectVerdicts: async (family) => {
      expect(await knock('client', of('web', family))).toEqual({ kind: 'answered', by: 'web' })
      expect(await knock('other', of('web', family))).toEqual(REFUSED)
      expect(await knock('web', of('other', family))).toEqual({ kind: 'answered', by: 'other' })
      expect(await knock('jailed', of('other', family))).toEqual(REFUSED)
    },
  }
}
