import { inSet, jump, masquerade, match, matchAny, returnVerdict } from '../nftables/statements.ts'
import { families } from './family-words.ts'
import { LOOPBACK } from './loopback.ts'
import type { ProgramChain, ProgramOptions } from './program.ts'
import { sets } from './sets.ts'

/** enum nf_ip_hook_priorities: NF_IP_PRI_NAT_DST is -100, where kube-proxy finds Services: those come first. */
const AFTER_DESTINATION_NAT = -95

/**
 * Packets to a port of the node that is a pod's go to the pod, before policy sees them: so it judges the pod's
 * own port, and who really sent them.
 */
export function hostPortChains({ localhostHostPorts }: ProgramOptions): readonly ProgramChain[] {
  const toNode = [
    // First, since the next question costs 100 ns in IPv4 and 400 ns in IPv6 (Linux 6.18), and this one 80.
    inSet(['meta l4proto', 'th dport'], sets.hostPortNumbers),
    match('fib daddr type', '==', 'local'),
    jump('host_ports'),
  ]
  return [
    {
      name: 'host_ports_in',
      hook: { type: 'nat', name: 'prerouting', priority: AFTER_DESTINATION_NAT },
      rules: [toNode],
    },
    {
      name: 'host_ports_out',
      hook: { type: 'nat', name: 'output', priority: AFTER_DESTINATION_NAT },
      rules: [
        // A port of localhost that no pod can be reached by stays the node's own.
        ...(localhostHostPorts ? [] : [[match('ip daddr', '==', LOOPBACK), returnVerdict]]),
        // There is no route_localnet for IPv6.
        [match('ip6 daddr', '==', 1n), returnVerdict],
        toNode,
      ],
    },
    {
      name: 'host_ports',
      rules: families.flatMap(({ toHostPort }) => toHostPort.map((to) => [to])),
    },
  ]
}

/**
 * Whose address must change too: a pod that meets itself would answer itself directly, and `localhost` is another
 * host in the pod. All others keep theirs, by which policy and the pod know them.
 */
export function hostPortMasquerade({ localhostHostPorts }: ProgramOptions): ProgramChain['rules'] {
  const translated = matchAny('ct status', ['dnat'])
  return [
    ...families.map(({ toItself }) => [translated, toItself, masquerade]),
    ...(localhostHostPorts ? [[translated, match('ip saddr', '==', LOOPBACK), masquerade]] : []),
  ]
}
