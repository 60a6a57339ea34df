import { attachmentIdOf, describe } from '../pods/attachment.ts'
import { isLeaving, type PodRecord } from '../pods/record.ts'
import { refuseTakenHostPorts } from '../pods/refuse-taken-host-ports.ts'
import type { PodLinks } from '../pods/wiring.ts'
import { addChained } from './add-chained.ts'
import { addResult } from './add-result.ts'
import { type AddArguments, parseAddArguments } from './arguments.ts'
import { type NetworkConfig, parseConfig } from './config.ts'
import { CniError, toCniError } from './errors.ts'
import { formatResult } from './format-result.ts'
import { refuseTwice } from './refuse-twice.ts'
import { undoAdd } from './undo-add.ts'
import type { CniParts, Verb } from './verbs.ts'
import { withArguments } from './with-arguments.ts'
import { withoutLeavers } from './without-leavers.ts'

/**
 * ADD (CNI specification 1.1.0, section 2): gives a pod its network. Its policy is in the kernel before its link is
 * up. After another plugin, which wired the pod, only the policy.
 */
export const add: Verb = async (request, parts) => {
  const written = parseConfig(request.stdin)
  const asked = parseAddArguments(request.environment, written.defaultNamespace)
  const config = withArguments(written, asked.requested)
  const { prevResult } = config
  if (prevResult !== undefined) return addChained(asked, { ...config, prevResult }, parts)
  if (parts.chain !== undefined) throw notFirst(config)
  const id = attachmentIdOf(asked)
  parts.reaper.stir()
  return parts.inTurn(id, async () => {
    const former = parts.records.get(id)
    if (former !== undefined && isLeaving(former)) await parts.reaper.reap()
    const record = await withoutLeavers(parts.reaper, () => reserve(asked, config, parts))
    try {
      const links = await connect(record, config, parts)
      const outcome = { attachment: record, netns: asked.netns, links, dns: config.dns }
      return formatResult(addResult(outcome), config.cniVersion)
    } catch (error) {
      throw await undoAdd(record, error, parts)
    }
  })
}

/** Takes addresses and writes the record, so that whatever follows can be undone even by another process. */
function reserve(asked: AddArguments, config: NetworkConfig, parts: CniParts): PodRecord {
  const id = attachmentIdOf(asked)
  refuseTwice(asked, parts)
  const { pod, containerId, ifName, netns } = asked
  const addresses = parts.ipam.allocate({
    requested: config.runtime.ips,
    within: config.runtime.ipRanges,
  })
  const record = {
    id,
    network: config.name,
    pod,
    containerId,
    ifName,
    netns,
    hostInterface: id,
    addresses,
    portMappings: config.runtime.portMappings,
    wiredBy: 'sluice',
    lastTold: parts.enforcement.lastTold(pod),
    attachedAt: parts.now(),
    releasedAt: undefined,
  } as const
  try {
    const others = parts.records
      .all()
      .values()
      .filter(({ releasedAt }) => releasedAt === undefined)
    refuseTakenHostPorts(record, others)
    parts.records.put(record)
  } catch (error) {
    // Nobody has met them: they need no rest.
    parts.ipam.free(addresses, 0)
    throw error
  }
  return record
}

async function connect(
  record: PodRecord,
  config: NetworkConfig,
  { wiring, reaper, enforcement }: CniParts,
): Promise<PodLinks> {
  const { mac, bandwidth } = config.runtime
  const links = await withoutLeavers(reaper, () =>
    wiring.create(record, record.netns, { mtu: config.mtu, mac }),
  )
  if (bandwidth !== undefined) wiring.shape(record, record.netns, links, bandwidth)
  try {
    await enforcement.attach(record)
  } catch (error) {
    throw toCniError(
      error,
      'enforcementFailed',
      `The policy of ${describe(record)} could not be put into force`,
    )
  }
  wiring.raise(record, record.netns, links)
  return links
}

function notFirst({ name }: NetworkConfig): CniError {
  return new CniError(
    'invalidConfiguration',
    `The network ${name} has no plugin before sluice-cni, and this agent only enforces policy (--chained); list sluice-cni after the plugin that wires pods, or run the agent without --chained`,
  )
}
