import {
  type Compare,
  type Dnat,
  dnat,
  inSet,
  type Lookup,
  limit,
  mapLookup,
  match,
  notInSet,
  type SetMeta,
  setMeta,
  type Update,
  update,
} from '../nftables/statements.ts'
import type { Family } from '../policy/address.ts'
import type { Direction } from '../policy/model.ts'
import { LOOPBACK } from './loopback.ts'
import { sets } from './sets.ts'

/** What the program's rules say of addresses, in the words of one family. */
export interface FamilyWords extends Readonly<Record<Direction, DirectionWords>> {
  readonly family: Family
  readonly source: Membership
  readonly destination: Membership
  /** The source is the address of a pod on this node. */
  readonly fromLocal: Lookup
  /** The source belongs to the interface that the packet came from. */
  readonly fromOwnAddress: Lookup
  /** The destination is none that only the node itself may have; the kernel sees to that of IPv6. */
  readonly notToLoopback: readonly Compare[]
  readonly notFromOwnAddress: Lookup
  /** Source and destination are one pod. */
  readonly toItself: Lookup
  /** The source is of this node's ranges of pods, whether a pod has it or not. */
  readonly fromPodRange: Lookup
  /** From a pod of this node to something that is neither pod nor node. For most flows, the first is not so. */
  readonly leavesCluster: readonly [Lookup, Lookup]
  /** To the end of a tunnel, from what is none. */
  readonly foreignTunnel: readonly [Lookup, Lookup]
  /** To the pod that has this port of the node: the one that has it on this address, or on all. */
  readonly toHostPort: readonly [Dnat, Dnat]
  /** The packet would revive a revoked flow. */
  readonly cut: Lookup
  /** Goes on only while few packets from this source to this destination were denied lately. */
  readonly denyPairRate: Update
  /** There was no room to count the pair. */
  readonly uncountedPair: Lookup
}

export interface Membership {
  readonly ingressMember: Lookup
  readonly egressMember: Lookup
}

export interface DirectionWords {
  /** `meta priority` becomes the class of the other side, if it is a pod. */
  readonly classOfPod: SetMeta
  /** `meta priority` becomes the class of the other side's block. Blocks are intervals, and cost more to ask. */
  readonly classOfBlock: SetMeta
  readonly portSetOfClass: SetMeta
  readonly portSetByDefault: SetMeta
  /** Goes on only while few packets of the local pod were denied lately. */
  readonly denyRate: Update
}

/** Denied packets that are logged of one pair of addresses: a client that tries again is seen each time. */
const perPair = { statement: limit(1, 'second', 5) }
/** Of one pod. */
const perPod = { statement: limit(10, 'second', 20) }

export const families: readonly FamilyWords[] = [
  {
    family: 4,
    source: {
      ingressMember: inSet(['ip saddr'], sets.members.ingress[4]),
      egressMember: inSet(['ip saddr'], sets.members.egress[4]),
    },
    destination: {
      ingressMember: inSet(['ip daddr'], sets.members.ingress[4]),
      egressMember: inSet(['ip daddr'], sets.members.egress[4]),
    },
    fromLocal: inSet(['ip saddr'], sets.local[4]),
    fromOwnAddress: inSet(['iifname', 'ip saddr'], sets.podInterface[4]),
    notToLoopback: [match('ip daddr', '!=', LOOPBACK)],
    notFromOwnAddress: notInSet(['iifname', 'ip saddr'], sets.podInterface[4]),
    toItself: inSet(['ip saddr', 'ip daddr'], sets.self[4]),
    fromPodRange: inSet(['ip saddr'], sets.ranges.pods[4]),
    leavesCluster: [
      notInSet(['ip daddr'], sets.ranges.cluster[4]),
      inSet(['ip saddr'], sets.ranges.pods[4]),
    ],
    foreignTunnel: [
      inSet(['ip daddr'], sets.ranges.tunnelEnds[4]),
      notInSet(['ip saddr'], sets.ranges.tunnelEnds[4]),
    ],
    toHostPort: [
      dnat('ip', mapLookup(['ip daddr', 'meta l4proto', 'th dport'], sets.hostPortsOfAddress[4])),
      dnat('ip', mapLookup(['meta l4proto', 'th dport'], sets.hostPorts[4])),
    ],
    cut: inSet(['ip saddr', 'ip daddr', 'meta l4proto', 'th sport', 'th dport'], sets.cut[4]),
    denyPairRate: update(sets.denyPairs[4], ['ip saddr', 'ip daddr'], perPair),
    uncountedPair: notInSet(['ip saddr', 'ip daddr'], sets.denyPairs[4]),
    ingress: {
      classOfPod: setMeta('meta priority', mapLookup(['ip saddr'], sets.podClass[4])),
      classOfBlock: setMeta('meta priority', mapLookup(['ip saddr'], sets.blockClass[4])),
      portSetOfClass: setMeta(
        'meta priority',
        mapLookup(['ip daddr', 'meta priority'], sets.rows.ingress[4]),
      ),
      portSetByDefault: setMeta('meta priority', mapLookup(['ip daddr'], sets.defaults.ingress[4])),
      denyRate: update(sets.denyRate[4], ['ip daddr'], perPod),
    },
    egress: {
      classOfPod: setMeta('meta priority', mapLookup(['ip daddr'], sets.podClass[4])),
      classOfBlock: setMeta('meta priority', mapLookup(['ip daddr'], sets.blockClass[4])),
      portSetOfClass: setMeta(
        'meta priority',
        mapLookup(['ip saddr', 'meta priority'], sets.rows.egress[4]),
      ),
      portSetByDefault: setMeta('meta priority', mapLookup(['ip saddr'], sets.defaults.egress[4])),
      denyRate: update(sets.denyRate[4], ['ip saddr'], perPod),
    },
  },
  {
    family: 6,
    source: {
      ingressMember: inSet(['ip6 saddr'], sets.members.ingress[6]),
      egressMember: inSet(['ip6 saddr'], sets.members.egress[6]),
    },
    destination: {
      ingressMember: inSet(['ip6 daddr'], sets.members.ingress[6]),
      egressMember: inSet(['ip6 daddr'], sets.members.egress[6]),
    },
    fromLocal: inSet(['ip6 saddr'], sets.local[6]),
    fromOwnAddress: inSet(['iifname', 'ip6 saddr'], sets.podInterface[6]),
    notToLoopback: [],
    notFromOwnAddress: notInSet(['iifname', 'ip6 saddr'], sets.podInterface[6]),
    toItself: inSet(['ip6 saddr', 'ip6 daddr'], sets.self[6]),
    fromPodRange: inSet(['ip6 saddr'], sets.ranges.pods[6]),
    leavesCluster: [
      notInSet(['ip6 daddr'], sets.ranges.cluster[6]),
      inSet(['ip6 saddr'], sets.ranges.pods[6]),
    ],
    foreignTunnel: [
      inSet(['ip6 daddr'], sets.ranges.tunnelEnds[6]),
      notInSet(['ip6 saddr'], sets.ranges.tunnelEnds[6]),
    ],
    toHostPort: [
      dnat('ip6', mapLookup(['ip6 daddr', 'meta l4proto', 'th dport'], sets.hostPortsOfAddress[6])),
      dnat('ip6', mapLookup(['meta l4proto', 'th dport'], sets.hostPorts[6])),
    ],
    cut: inSet(['ip6 saddr', 'ip6 daddr', 'meta l4proto', 'th sport', 'th dport'], sets.cut[6]),
    denyPairRate: update(sets.denyPairs[6], ['ip6 saddr', 'ip6 daddr'], perPair),
    uncountedPair: notInSet(['ip6 saddr', 'ip6 daddr'], sets.denyPairs[6]),
    ingress: {
      classOfPod: setMeta('meta priority', mapLookup(['ip6 saddr'], sets.podClass[6])),
      classOfBlock: setMeta('meta priority', mapLookup(['ip6 saddr'], sets.blockClass[6])),
      portSetOfClass: setMeta(
        'meta priority',
        mapLookup(['ip6 daddr', 'meta priority'], sets.rows.ingress[6]),
      ),
      portSetByDefault: setMeta(
        'meta priority',
        mapLookup(['ip6 daddr'], sets.defaults.ingress[6]),
      ),
      denyRate: update(sets.denyRate[6], ['ip6 daddr'], perPod),
    },
    egress: {
      classOfPod: setMeta('meta priority', mapLookup(['ip6 daddr'], sets.podClass[6])),
      classOfBlock: setMeta('meta priority', mapLookup(['ip6 daddr'], sets.blockClass[6])),
      portSetOfClass: setMeta(
        'meta priority',
        mapLookup(['ip6 saddr', 'meta priority'], sets.rows.egress[6]),
      ),
      portSetByDefault: setMeta('meta priority', mapLookup(['ip6 saddr'], sets.defaults.egress[6])),
      denyRate: update(sets.denyRate[6], ['ip6 saddr'], perPod),
    },
  },
]
