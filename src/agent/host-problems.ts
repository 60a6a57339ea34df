import { foreignObstacles, POD_HOOKS, type PodTraffic } from '../dataplane/foreign-rules.ts'
import { readConntrackUsage } from '../netlink/conntrack-usage.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { listBaseChains, listRules } from '../nftables/list.ts'
import { readRule } from '../nftables/read-rule.ts'
import { ipvsProblem } from '../pods/refuse-ipvs.ts'

/** In the node's namespace. */
export interface HostSockets {
  readonly nftables: NetlinkSocket
  readonly conntrack: NetlinkSocket
  readonly route: NetlinkSocket
  /** For listings, which keep their socket from everything else. */
  readonly openListing: () => NetlinkSocket
}

/** From this share of its most on, there is little room for connections of pods. */
const CROWDED = 0.9

/** What of the node's state defeats policy now, a sentence each. */
export async function hostProblems(
  sockets: HostSockets,
  traffic: PodTraffic,
): Promise<readonly string[]> {
  const problems = [ipvsProblem(sockets.route), conntrackProblem(sockets.conntrack)]
  return [
    ...problems.filter((problem) => problem !== undefined),
    ...(await rulesOfOthers(sockets, traffic)),
  ]
}

function conntrackProblem(socket: NetlinkSocket): string | undefined {
  const { entries, most } = readConntrackUsage(socket)
  if (most === undefined || most === 0 || entries < CROWDED * most) return undefined
  return `The node tracks ${entries} connections of at most ${most}, and drops packets of new ones beyond: raise net.netfilter.nf_conntrack_max, or find who opens so many.`
}

async function rulesOfOthers(
  { nftables, openListing }: HostSockets,
  traffic: PodTraffic,
): Promise<string[]> {
  const found: string[] = []
  const socket = openListing()
  try {
    for (const family of ['ip', 'ip6', 'inet'] as const) {
      for (const chain of await listBaseChains(socket, family)) {
        const { base, table } = chain
        const isOurs = family === 'inet' && /^sluice(_next|_sampling)?$/u.test(table.table)
        if (isOurs || base.type === 'nat' || !POD_HOOKS.has(base.hook)) continue
        const rules = listRules(nftables, table, chain.chain)
        found.push(
          ...foreignObstacles(
            chain,
            rules.map((one) => readRule(one.expressions)),
            traffic,
          ),
        )
      }
    }
  } finally {
    socket.close()
  }
  return found
}
