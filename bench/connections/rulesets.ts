import { formatAddress } from '../../src/policy/address.ts'
import { PORT, peersOfPolicies, SERVER } from './cluster.ts'

/** Connections are tracked and nobody is refused: what any firewall with states costs. */
export const TRACKING_ONLY = `table inet tracking {
  chain forward {
    type filter hook forward priority 0;
    ct state established,related accept
  }
}
`

/** With hooks for address translation beside it, which translate nothing: kube-proxy has them on every node. */
export const TRACKING_AND_TRANSLATION = `${TRACKING_ONLY}
table inet translation {
  chain prerouting { type nat hook prerouting priority dstnat; }
  chain output { type nat hook output priority -100; }
  chain postrouting { type nat hook postrouting priority srcnat; }
}
`

/** Packets that the usual layout denied. */
export const USUAL_DENIED = { table: 'usual', counter: 'denied' } as const

/**
 * The usual layout: for each rule of a policy a set of its peers and a rule that asks it, one after the other,
 * in a chain of the pod.
 */
export function usualLayout(policies: number): string {
  const peers = peersOfPolicies(policies)
  const sets = peers.map(
    (addresses, policy) =>
      `  set peers_${policy} { type ipv4_addr; elements = { ${addresses.map(formatAddress).join(', ')} }; }\n`,
  )
  const rules = peers.map(
    (_, policy) =>
      `    ip saddr @peers_${policy} meta l4proto { tcp, udp } th dport ${PORT} accept\n`,
  )
  return `table inet ${USUAL_DENIED.table} {
  counter ${USUAL_DENIED.counter} {}
${sets.join('')}  chain server {
${rules.join('')}    counter name ${USUAL_DENIED.counter} drop
  }
  chain forward {
    type filter hook forward priority 0;
    ct state established,related accept
    ip daddr ${formatAddress(SERVER)} jump server
  }
}
`
}
