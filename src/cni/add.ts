import { attachmentIdOf, describe } from '../pods/attachment.ts'
import { reasonOf } from '../pods/errors.ts'
import type { PodRecord } from '../pods/record.ts'
import { refuseTakenHostPorts } from '../pods/refuse-taken-host-ports.ts'
import { release } from '../pods/release.ts'
import type { PodLinks } from '../pods/wiring.ts'
import { addChained } from './add-chained.ts'
import { addResult } from './add-result.ts'
import { type AddArguments, parseAddArguments } from './arguments.ts'
import { type NetworkConfig, parseConfig } from './config.ts'
import { CniError, toCniError } from './errors.ts'
import { formatResult } from './format-result.ts'
import type { CniParts, Verb } from './verbs.ts'

/**
 * ADD (CNI specification 1.1.0, section 2): gives a pod its network. Its policy is in the kernel before its link is
 * up. After another plugin, which wired the pod, only the policy.
 */
export const add: Verb = async (request, parts) => {
  const config = parseConfig(request.stdin)
  const asked = parseAddArguments(request.environment, config.defaultNamespace)
  if (config.prevResult !== undefined) return addChained(config)
  return parts.inTurn(attachmentIdOf(asked), async () => {
    const record = reserve(asked, config, parts)
    try {
      const links = await connect(record, config, parts)
      const outcome = { attachment: record, netns: asked.netns, links, dns: config.dns }
      return formatResult(addResult(outcome), config.cniVersion)
    } catch (error) {
      throw await undo(record, error, parts)
    }
  })
}

/** Takes addresses and writes the record, so that whatever follows can be undone even by another process. */
function reserve(asked: AddArguments, config: NetworkConfig, parts: CniParts): PodRecord {
  const id = attachmentIdOf(asked)
  const existing = parts.records.get(id)
  if (existing !== undefined && existing.releasedAt === undefined) {
    // Specification, ADD: a runtime must not add twice without a DEL between.
    throw new CniError(
      'interfaceExists',
      `Container ${asked.containerId} already has ${describe(existing)}; DEL it first`,
    )
  }
  const { pod, containerId, ifName, netns } = asked
  const addresses = parts.ipam.allocate(config.runtime.ips)
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
    releasedAt: undefined,
  } as const
  try {
    const others = parts.records.all().filter(({ releasedAt }) => releasedAt === undefined)
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
  parts: CniParts,
): Promise<PodLinks> {
  const links = parts.wiring.create(record, record.netns, config.mtu)
  const { bandwidth } = config.runtime
  if (bandwidth !== undefined) parts.wiring.shape(record, record.netns, links, bandwidth)
  try {
    await parts.enforcement.attach(record)
  } catch (error) {
    throw toCniError(
      error,
      'enforcementFailed',
      `The policy of ${describe(record)} could not be put into force`,
    )
  }
  parts.wiring.raise(record, record.netns, links)
  return links
}

/** Leaves nothing of a failed ADD, and gives the error to answer with. */
async function undo(record: PodRecord, error: unknown, parts: CniParts): Promise<CniError> {
  const failure = toCniError(error, 'internal', `${describe(record)} got no network`)
  try {
    await release(record.id, parts)
    return failure
  } catch (second) {
    const details = `Nor could it all be undone; DEL will try again: ${reasonOf(second)}`
    return new CniError(failure.kind, failure.message, { details, cause: failure })
  }
}
