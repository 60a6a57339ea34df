import { set } from '../nftables/set.ts'
import {
  counter,
  drop,
  goto,
  inSet,
  jump,
  match,
  notInSet,
  returnVerdict,
} from '../nftables/statements.ts'
import { linkLocalRules } from './link-local.ts'
import type { ProgramChain } from './program.ts'

/** Every set of `table bridge sluice`. */
export const bridgeSets = {
  /** Ports of pods: from here on, what they send is looked at. */
  ports: set('pod_ports', ['ifname']),
  /** The hardware addresses that may come from a port. */
  macs: set('pod_macs', ['ifname', 'ether_addr']),
  /** The addresses that may. */
  addresses: {
    4: set('pod_addresses4', ['ifname', 'ipv4_addr']),
    6: set('pod_addresses6', ['ifname', 'ipv6_addr']),
  },
} as const

/** NF_BR_PRI_FIRST is INT_MIN, NF_BR_PRI_NAT_DST_BRIDGED -300: before br_netfilter shows the packet to `inet`. */
const FIRST = -300

/**
 * Anti-spoofing on a bridge that others made, written once. `table inet` sees all packets of a bridge come from the
 * bridge itself, so only here the port is known. What is neither IP nor ARP is closed: nothing would judge it.
 */
export const bridgeProgram: readonly ProgramChain[] = [
  {
    name: 'prerouting',
    hook: { type: 'filter', name: 'prerouting', priority: FIRST },
    rules: [[inSet(['iifname'], bridgeSets.ports), jump('from_pod')]],
  },
  {
    name: 'from_pod',
    rules: [
      // Before the bridge learns where a hardware address is.
      [notInSet(['iifname', 'ether saddr'], bridgeSets.macs), counter('spoofed'), drop],
      [inSet(['iifname', 'ip saddr'], bridgeSets.addresses[4]), returnVerdict],
      [inSet(['iifname', 'ip6 saddr'], bridgeSets.addresses[6]), returnVerdict],
      [
        inSet(['iifname', 'arp saddr ether'], bridgeSets.macs),
        inSet(['iifname', 'arp saddr ip'], bridgeSets.addresses[4]),
        returnVerdict,
      ],
      [match('ip6 saddr', '==', 0n), goto('link_local')],
      [match('ip6 saddr', '==', { first: 0xfe80n << 112n, prefix: 10 }), goto('link_local')],
      [counter('spoofed'), drop],
    ],
  },
  { name: 'link_local', rules: linkLocalRules },
]
