import {
  accept,
  counter,
  drop,
  goto,
  inSet,
  jump,
  limit,
  log,
  masquerade,
  match,
  matchAny,
  matchBits,
  matchMasked,
  oneOf,
  reject,
  returnVerdict,
  type Statement,
  setMeta,
} from '../nftables/statements.ts'
import type { Direction } from '../policy/model.ts'
import { type FamilyWords, families } from './family-words.ts'
import { hostPortChains, hostPortMasquerade } from './host-port-chains.ts'
import { linkLocalRules } from './link-local.ts'
import { sets } from './sets.ts'

export interface ProgramOptions {
  /** What a denied packet gets. Conformance suites expect `drop`. */
  readonly deny: 'drop' | 'reject'
  /** NFLOG group of denied packets. */
  readonly logGroup: number
  /** Host interfaces of our pods begin so: a new one is closed until its pod's address is known. */
  readonly podInterfacePrefix: string
  /** The tunnels between nodes: their UDP port and VXLAN network identifier. */
  readonly tunnel: { readonly port: number; readonly vni: number }
  /** Others wire the pods: their interfaces have names of any kind, and may be ports of one bridge. */
  readonly chained: boolean
  /** Host ports answer on 127.0.0.1 of the node as well; interfaces of such pods then need `route_localnet`. */
  readonly localhostHostPorts: boolean
}

export interface ProgramChain {
  readonly name: string
  /** Where the kernel calls it; a chain without is only jumped to. */
  readonly hook?: ProgramHook
  readonly rules: readonly (readonly Statement[])[]
}

export interface ProgramHook {
  readonly type: 'filter' | 'nat'
  readonly name: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  readonly priority: number
}

/** Named counters of the table. */
export const COUNTERS = [
  'denied_ingress',
  'denied_egress',
  'mid_stream',
  'revoked',
  'spoofed',
] as const

/** enum nf_ip_hook_priorities: NF_IP_PRI_RAW is -300; ours comes before connection tracking and `notrack`. */
const BEFORE_RAW = -305
const FILTER = 0
/** NF_IP_PRI_NAT_SRC is 100; before kube-proxy's, which would masquerade by marks only. */
const BEFORE_SOURCE_NAT = 95

/** Of a logged packet: 96 bytes, which hold all headers up to the ports; 32 packets go to the agent at once. */
export const LOGGED = { snaplen: 96, queueThreshold: 32 }

/** Port set ids have bit 31; those of deny-lists bit 30 as well. Classes have neither, and are not 0. */
const PORT_SET = 0x8000_0000
const DENY_LIST = 0xc000_0000

/**
 * The chains, written once. Class and port set travel from rule to rule in `meta priority`, since nftables
 * has no register that outlives a rule; only the first packet of a connection passes here, and it leaves
 * with priority 0.
 */
export function program(options: ProgramOptions): readonly ProgramChain[] {
  return [
    prerouting(options),
    fromPod,
    linkLocal,
    ...(options.chained ? [] : [strays]),
    forward(options),
    input(options),
    tunnelEnds,
    ...hostPortChains(options),
    postrouting(options),
    midStream,
    refuseMidStream,
    ...families.map((words) => verdictChain('egress', words)),
    ...families.map((words) => verdictChain('ingress', words)),
    denyList('egress'),
    denyList('ingress'),
    deny('egress', options),
    deny('ingress', options),
  ]
}

/** Anti-spoofing, before anything else looks at the packet: every packet passes here. */
function prerouting({ podInterfacePrefix, chained }: ProgramOptions): ProgramChain {
  return {
    name: 'prerouting',
    hook: { type: 'filter', name: 'prerouting', priority: BEFORE_RAW },
    rules: [
      [match('iifname', '==', `${podInterfacePrefix}*`), goto('from_pod')],
      ...(chained ? [[inSet(['iifname'], sets.chainedInterfaces), goto('from_pod')]] : []),
      ...families.map((words) => [
        words.fromLocal,
        // A bridge brings the packets of all its pods: they come from it, not from an interface of their own.
        ...(chained ? [words.notFromOwnAddress] : []),
        counter('spoofed'),
        drop,
      ]),
    ],
  }
}

/** A pod sends from its own addresses only, and never to the node's loopback. */
const fromPod: ProgramChain = {
  name: 'from_pod',
  rules: [
    ...families.map((words) => [words.fromOwnAddress, ...words.notToLoopback, accept]),
    [match('ip6 saddr', '==', 0n), goto('link_local')],
    [match('ip6 saddr', '==', { first: 0xfe80n << 112n, prefix: 10 }), goto('link_local')],
    [counter('spoofed'), drop],
  ],
}

const linkLocal: ProgramChain = { name: 'link_local', rules: linkLocalRules }

const establishedAccepted = [matchAny('ct state', ['established', 'related']), accept]

/**
 * A connection that is cut, or that tracking forgot, must not come back by a packet from its middle.
 * The mask lets a SYN with ECN flags through; untracked packets are judged one by one further down.
 */
const midStreamJumps = [
  [
    matchMasked('tcp flags', ['fin', 'syn', 'rst', 'ack'], '!=', ['syn']),
    matchAny('ct state', ['new']),
    jump('mid_stream'),
  ],
  [matchAny('ct state', ['invalid']), jump('mid_stream')],
]

/**
 * A new flow from an address that is, or will be, a pod's of this node comes from a pod's interface. Else the next
 * owner of the address would inherit what was tracked of it. Where others wire, they know the addresses.
 */
const strays: ProgramChain = {
  name: 'strays',
  rules: families.map((words) => [
    matchAny('ct state', ['new']),
    words.fromPodRange,
    counter('spoofed'),
    drop,
  ]),
}

function forward({ podInterfacePrefix, chained }: ProgramOptions): ProgramChain {
  const bridged = chained
    ? bridgedDiscovery
    : [[match('iifname', '!=', `${podInterfacePrefix}*`), jump('strays')]]
  return {
    name: 'forward',
    hook: { type: 'filter', name: 'forward', priority: FILTER },
    rules: [
      establishedAccepted,
      ...bridged,
      // Of TCP there are no bars: the rules below do for it.
      ...families.map((words) => [
        match('meta l4proto', '!=', 'tcp'),
        words.cut,
        counter('revoked'),
        drop,
      ]),
      ...midStreamJumps,
      // Egress returns where it allows, so that a destination on this node is asked too.
      ...families.map((words) => [words.source.egressMember, jump(`egress${words.family}`)]),
      ...families.map((words) => [words.destination.ingressMember, jump(`ingress${words.family}`)]),
    ],
  }
}

/**
 * Pods on one bridge ask each other for hardware addresses, which is never policy. Only what a bridge passes on
 * has the hop limit with which it was sent (RFC 4861): a router has taken one off before it comes here.
 */
const bridgedDiscovery = [
  [
    oneOf('icmpv6 type', ['nd-neighbor-solicit', 'nd-neighbor-advert', 'nd-router-solicit']),
    match('ip6 hoplimit', '==', 255),
    accept,
  ],
  [
    oneOf('icmpv6 type', ['mld-listener-report', 'mld-listener-done', 'mld2-listener-report']),
    match('ip6 daddr', '==', { first: 0xff02n << 112n, prefix: 16 }),
    accept,
  ],
]

/** Egress of a pod to its own node, which `forward` never sees. */
function input(options: ProgramOptions): ProgramChain {
  const { podInterfacePrefix, chained, tunnel } = options
  return {
    name: 'input',
    hook: { type: 'filter', name: 'input', priority: FILTER },
    rules: [
      [match('udp dport', '==', tunnel.port), match('@th,96,24', '==', tunnel.vni), jump('tunnel')],
      // Where others wire, a pod is known by its address alone, which prerouting has seen to.
      ...(chained ? [] : [[match('iifname', '!=', `${podInterfacePrefix}*`), goto('strays')]]),
      establishedAccepted,
      [
        oneOf('icmpv6 type', [
          'nd-neighbor-solicit',
          'nd-neighbor-advert',
          'nd-router-solicit',
          'mld-listener-report',
          'mld-listener-done',
          'mld2-listener-report',
        ]),
        accept,
      ],
      ...midStreamJumps,
      ...families.map((words) => [words.source.egressMember, jump(`egress${words.family}`)]),
    ],
  }
}

/** Whoever could send to a tunnel could put packets of any source behind it: only nodes can. */
const tunnelEnds: ProgramChain = {
  name: 'tunnel',
  rules: families.map((words) => [...words.foreignTunnel, counter('spoofed'), drop]),
}

/** What leaves the cluster comes from the node, since nobody out there has a route to pods. */
function postrouting(options: ProgramOptions): ProgramChain {
  return {
    name: 'postrouting',
    hook: { type: 'nat', name: 'postrouting', priority: BEFORE_SOURCE_NAT },
    rules: [
      ...families.map((words) => [...words.leavesCluster, masquerade]),
      ...hostPortMasquerade(options),
    ],
  }
}

const midStream: ProgramChain = {
  name: 'mid_stream',
  rules: families.flatMap(({ source, destination }) =>
    [
      source.ingressMember,
      source.egressMember,
      destination.ingressMember,
      destination.egressMember,
    ].map((member) => [member, goto('refuse_mid_stream')]),
  ),
}

/** A silent drop would leave both ends waiting for hours. A reset is never answered with a reset. */
const refuseMidStream: ProgramChain = {
  name: 'refuse_mid_stream',
  rules: [
    [counter('mid_stream')],
    [matchMasked('tcp flags', ['rst'], '==', ['rst']), drop],
    [match('meta l4proto', '==', 'tcp'), reject('tcp reset')],
    [drop],
  ],
}

/**
 * Class of the peer, then port set of the pair, then whether the packet's port is in it. Bits are asked for, not
 * what is less or more: that takes the kernel 50 ns longer each time, as it would have to turn the bytes around.
 */
function verdictChain(direction: Direction, words: FamilyWords): ProgramChain {
  const { classOfPod, classOfBlock, portSetOfClass, portSetByDefault } = words[direction]
  const allow = direction === 'egress' ? returnVerdict : accept
  return {
    name: `${direction}${words.family}`,
    rules: [
      // The kernel has put there what the packet's TOS field says.
      [setMeta('meta priority', 0)],
      [classOfPod],
      [match('meta priority', '==', 0), classOfBlock],
      [portSetOfClass],
      // Whatever is still a class has no row.
      [matchBits('meta priority', PORT_SET, '==', 0), portSetByDefault],
      [matchBits('meta priority', DENY_LIST, '==', DENY_LIST), goto(`${direction}_deny_list`)],
      ...portSetLookups.map((lookup) => [lookup, setMeta('meta priority', 0), allow]),
      [goto(`deny_${direction}`)],
    ],
  }
}

/** The most common first, and last the only one that is no hash table. */
const portSetLookups = [
  inSet(['meta priority', 'meta l4proto', 'th dport'], sets.portsPort),
  inSet(['meta priority'], sets.portsAll),
  inSet(['meta priority', 'meta l4proto'], sets.portsProto),
  inSet(['meta priority', 'meta l4proto', 'th dport'], sets.portsRange),
]

/** The complement: what the set names is denied. */
function denyList(direction: Direction): ProgramChain {
  return {
    name: `${direction}_deny_list`,
    rules: [
      ...portSetLookups.map((lookup) => [lookup, goto(`deny_${direction}`)]),
      [setMeta('meta priority', 0), direction === 'egress' ? returnVerdict : accept],
    ],
  }
}

/**
 * A pod to itself is never denied, and asked only here, since it happens only through a Service or a port of the
 * node. Logged within limits: by pair of addresses, then by pod, then overall. A limit that is shared would let one
 * noisy peer, or one noisy pod, hide all others. While there is no room to count pairs, the limit by pod holds alone.
 */
function deny(direction: Direction, { deny: answer, logGroup }: ProgramOptions): ProgramChain {
  const logged = families.flatMap(({ denyPairRate, uncountedPair, [direction]: { denyRate } }) =>
    [denyPairRate, uncountedPair].map((first) => [
      first,
      denyRate,
      limit(1000, 'second', 1000),
      log({ group: logGroup, prefix: `sluice:${direction}`, ...LOGGED }),
    ]),
  )
  const refused = [
    [match('meta l4proto', '==', 'tcp'), reject('tcp reset')],
    [reject('admin-prohibited')],
  ]
  return {
    name: `deny_${direction}`,
    rules: [
      ...families.map(({ toItself }) => [toItself, setMeta('meta priority', 0), accept]),
      [counter(`denied_${direction}`)],
      ...logged,
      ...(answer === 'drop' ? [[drop]] : refused),
    ],
  }
}
