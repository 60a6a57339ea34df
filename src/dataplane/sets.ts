import { map, set } from '../nftables/set.ts'

/**
 * Every set and map of the table. They are created with the program and never afterwards: all that changes
 * is their elements. Those with a family's suffix come twice.
 */
export const sets = {
  /** Address → class, for addresses that no pod owns. Its catch-all is `WORLD`. */
  blockClass: {
    4: map('block_class4', ['ipv4_addr'], ['classid'], { flags: ['interval'] }),
    6: map('block_class6', ['ipv6_addr'], ['classid'], { flags: ['interval'] }),
  },
  /** Address of a pod anywhere in the cluster → class. */
  podClass: {
    4: map('pod_class4', ['ipv4_addr'], ['classid']),
    6: map('pod_class6', ['ipv6_addr'], ['classid']),
  },
  /** Local addresses under policy. A subject is judged once it is here, so it comes last. */
  members: {
    ingress: { 4: set('in_pods4', ['ipv4_addr']), 6: set('in_pods6', ['ipv6_addr']) },
    egress: { 4: set('out_pods4', ['ipv4_addr']), 6: set('out_pods6', ['ipv6_addr']) },
  },
  /** (subject, class of the peer) → port set, where it differs from the subject's default. */
  rows: {
    ingress: {
      4: map('in_ports4', ['ipv4_addr', 'classid'], ['classid']),
      6: map('in_ports6', ['ipv6_addr', 'classid'], ['classid']),
    },
    egress: {
      4: map('out_ports4', ['ipv4_addr', 'classid'], ['classid']),
      6: map('out_ports6', ['ipv6_addr', 'classid'], ['classid']),
    },
  },
  /** Subject → port set for every other class. */
  defaults: {
    ingress: {
      4: map('in_default4', ['ipv4_addr'], ['classid']),
      6: map('in_default6', ['ipv6_addr'], ['classid']),
    },
    egress: {
      4: map('out_default4', ['ipv4_addr'], ['classid']),
      6: map('out_default6', ['ipv6_addr'], ['classid']),
    },
  },
  /** Content of port sets, shared by both families and directions. */
  portsAll: set('ports_all', ['classid']),
  portsProto: set('ports_proto', ['classid', 'inet_proto']),
  portsPort: set('ports_port', ['classid', 'inet_proto', 'inet_service']),
  portsRange: set('ports_range', ['classid', 'inet_proto', 'inet_service'], {
    flags: ['interval'],
  }),
  /** Addresses of pods wired on this node. */
  local: { 4: set('local4', ['ipv4_addr']), 6: set('local6', ['ipv6_addr']) },
  /** (address, itself): what a pod sends itself through a Service comes back through `forward`. */
  self: {
    4: set('self4', ['ipv4_addr', 'ipv4_addr']),
    6: set('self6', ['ipv6_addr', 'ipv6_addr']),
  },
  /** (host interface, address): the only sources that may come from it. */
  podInterface: {
    4: set('pod_if4', ['ifname', 'ipv4_addr']),
    6: set('pod_if6', ['ifname', 'ipv6_addr']),
  },
  /** Interfaces that others made for one pod each: nothing but that pod's addresses may come from them. */
  chainedInterfaces: set('chained_ifs', ['ifname']),
  /**
   * This node's pods, and where they go with their own addresses (all pods and nodes, or everywhere): what goes
   * from the first to anywhere else is masqueraded.
   */
  ranges: {
    pods: {
      4: set('pod_ranges4', ['ipv4_addr'], { flags: ['interval'] }),
      6: set('pod_ranges6', ['ipv6_addr'], { flags: ['interval'] }),
    },
    cluster: {
      4: set('cluster_ranges4', ['ipv4_addr'], { flags: ['interval'] }),
      6: set('cluster_ranges6', ['ipv6_addr'], { flags: ['interval'] }),
    },
    /** Nodes: a tunnel to one of these begins at another. Empty where there are no tunnels of ours. */
    tunnelEnds: {
      4: set('tunnel_ends4', ['ipv4_addr'], { flags: ['interval'] }),
      6: set('tunnel_ends6', ['ipv6_addr'], { flags: ['interval'] }),
    },
  },
  /** Every port of the node that is a pod's: what is sent to none of these needs no look at whose address it is. */
  hostPortNumbers: set('host_port_numbers', ['inet_proto', 'inet_service']),
  /** Port of the node → address and port of a pod here: on every address of the node, and on one of them. */
  hostPorts: {
    4: map('host_ports4', ['inet_proto', 'inet_service'], ['ipv4_addr', 'inet_service']),
    6: map('host_ports6', ['inet_proto', 'inet_service'], ['ipv6_addr', 'inet_service']),
  },
  hostPortsOfAddress: {
    4: map(
      'host_ip_ports4',
      ['ipv4_addr', 'inet_proto', 'inet_service'],
      ['ipv4_addr', 'inet_service'],
    ),
    6: map(
      'host_ip_ports6',
      ['ipv6_addr', 'inet_proto', 'inet_service'],
      ['ipv6_addr', 'inet_service'],
    ),
  },
  /** Reply tuples of revoked flows that one datagram from the other side would bring back to life. */
  cut: {
    4: set('cut4', ['ipv4_addr', 'ipv4_addr', 'inet_proto', 'inet_service', 'inet_service'], {
      flags: ['timeout'],
    }),
    6: set('cut6', ['ipv6_addr', 'ipv6_addr', 'inet_proto', 'inet_service', 'inet_service'], {
      flags: ['timeout'],
    }),
  },
  /** Denied packets logged lately, by source and destination: one noisy peer must not hide the others… */
  denyPairs: {
    4: set('deny_pairs4', ['ipv4_addr', 'ipv4_addr'], {
      flags: ['dynamic', 'timeout'],
      size: 16_384,
      timeoutMs: 10_000,
    }),
    6: set('deny_pairs6', ['ipv6_addr', 'ipv6_addr'], {
      flags: ['dynamic', 'timeout'],
      size: 16_384,
      timeoutMs: 10_000,
    }),
  },
  /** …and by local pod: nor may one pod with many peers. */
  denyRate: {
    4: set('deny_rate4', ['ipv4_addr'], {
      flags: ['dynamic', 'timeout'],
      size: 4096,
      timeoutMs: 10_000,
    }),
    6: set('deny_rate6', ['ipv6_addr'], {
      flags: ['dynamic', 'timeout'],
      size: 4096,
      timeoutMs: 10_000,
    }),
  },
} as const
