import nodeFs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { CniParts } from '../cni/verbs.ts'
import { Ipam } from '../pods/ipam.ts'
import { Records } from '../pods/records.ts'
import type { Cidr } from '../policy/address.ts'
import type { AgentOptions } from './agent-options.ts'
import type { Kernel } from './kernel.ts'
import type { AgentSource } from './source.ts'

const RANGES_POLL_MS = 250

/** Records, addresses and links of the pods of this node. @throws when nobody says which addresses they may have */
export async function openPods(
  options: AgentOptions,
  kernel: Kernel,
  source: AgentSource,
): Promise<Pick<CniParts, 'records' | 'ipam' | 'wiring' | 'now'>> {
  const { log, localhostHostPorts, addressCooldownMs: cooldownMs } = options
  const podCidrs = await podCidrsOf(options, source)
  const nodeAddresses =
    options.nodeAddresses.length > 0
      ? options.nodeAddresses
      : (source.nodes().get(options.node)?.addresses ?? [])
  // Manifests speak of no other nodes.
  const overlay = options.source.kind === 'manifests' ? 'never' : options.overlay
  const mtu = options.mtu ?? kernel.podMtu(nodeAddresses, overlay)
  const records = new Records({
    directory: join(options.runDirectory, 'pods'),
    files: nodeFs,
    report: (problem) => log.warn({ event: 'record.foreign' }, problem),
  })
  const ipam = new Ipam({ ranges: podCidrs, cooldownMs, now: Date.now })
  const wiring = kernel.wiring({ podCidrs, nodeAddresses, mtu, localhostHostPorts })
  return { records, ipam, wiring, now: Date.now }
}

/** A node that has just joined gets its ranges a moment later: they are waited for, and the reason is told. */
async function podCidrsOf(
  { node, podCidrs, chained, source: { kind }, log }: AgentOptions,
  source: AgentSource,
): Promise<readonly Cidr[]> {
  if (chained) return []
  if (podCidrs.length > 0) return podCidrs
  if (kind === 'manifests') {
    throw new Error('Manifests do not say which addresses pods may have: name them with --pod-cidr')
  }
  for (let told = false; ; await delay(RANGES_POLL_MS)) {
    const ranges = source.nodes().get(node)?.podCidrs ?? []
    if (ranges.length > 0) return ranges
    if (told) continue
    told = true
    log.warn(
      { event: 'node.unassigned' },
      `Node ${node} has no podCIDRs yet. If it gets none, run the controller manager with --allocate-node-cidrs, or name them with --pod-cidr`,
    )
  }
}
