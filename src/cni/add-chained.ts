import type { Address } from '../policy/address.ts'
import { attachmentIdOf, describe } from '../pods/attachment.ts'
import { isAttached, type PodRecord } from '../pods/record.ts'
import { release } from '../pods/release.ts'
import type { AddArguments } from './arguments.ts'
import type { Chain } from './chain.ts'
import type { NetworkConfig } from './config.ts'
import type { Enforcement } from './enforcement.ts'
import { CniError, toCniError } from './errors.ts'
import { formatResult } from './format-result.ts'
import { refuseTwice } from './refuse-twice.ts'
import type { Result } from './result.ts'
import { undoAdd } from './undo-add.ts'
import type { CniParts } from './verbs.ts'

/** The configuration of an ADD after another plugin. */
export interface ChainedConfig extends NetworkConfig {
  readonly prevResult: Result
}

/**
 * ADD after another plugin, which has wired the pod: only its policy is ours. The link is up already, but no
 * container of the pod runs before ADD ends. The result is that of the plugin before us.
 */
export async function addChained(
  asked: AddArguments,
  config: ChainedConfig,
  parts: CniParts,
): Promise<string> {
  const { chain } = parts
  if (chain === undefined) throw notChained(config)
  return parts.inTurn(attachmentIdOf(asked), async () => {
    refuseTwice(asked, parts)
    const record = describePod(asked, config, { ...parts, chain })
    await releaseFormerHolders(record, parts)
    parts.records.put(record)
    try {
      await enforce(record, chain, parts)
    } catch (error) {
      throw await undoAdd(record, error, parts)
    }
    return formatResult(config.prevResult, config.cniVersion)
  })
}

function describePod(
  asked: AddArguments,
  config: ChainedConfig,
  { chain, enforcement, now }: { chain: Chain; enforcement: Enforcement; now: () => number },
): PodRecord {
  const { pod, containerId, ifName, netns } = asked
  const addresses = addressesOf(asked, config)
  return {
    id: attachmentIdOf(asked),
    network: config.name,
    pod,
    containerId,
    ifName,
    netns,
    ...chain.findEntry(netns, ifName),
    addresses,
    // Those are served by the plugins that have them.
    portMappings: [],
    wiredBy: 'chain',
    lastTold: enforcement.lastTold(pod),
    attachedAt: now(),
    releasedAt: undefined,
  }
}

function addressesOf({ ifName, netns }: AddArguments, config: ChainedConfig): readonly Address[] {
  const { interfaces, ips } = config.prevResult
  const place = interfaces.findIndex(({ name, sandbox }) => name === ifName && sandbox === netns)
  const own = ips.filter((ip) => ip.interface === undefined || ip.interface === place)
  // Plugins have been seen to count wrong: then all that they gave is taken for the pod's.
  const addresses = (own.length > 0 ? own : ips).map(({ address }) => address)
  if (addresses.length > 0) return addresses
  throw new CniError(
    'invalidConfiguration',
    `The plugins before sluice-cni in the network ${config.name} gave ${ifName} no address (prevResult has none); policy is by address`,
  )
}

/**
 * The plugin that gives addresses gave these anew, so whoever had them is gone, though nobody has told us yet: its
 * DEL may wait in the queue of an agent that was away.
 */
async function releaseFormerHolders(record: PodRecord, parts: CniParts): Promise<void> {
  const addresses = new Set(record.addresses)
  const former = parts.records
    .all()
    .filter((other) => other.id !== record.id && isAttached(other))
    .filter((other) => other.addresses.some((address) => addresses.has(address)))
  for (const { id } of former) await parts.inTurn(id, () => release(id, parts))
}

async function enforce(record: PodRecord, chain: Chain, parts: CniParts): Promise<void> {
  if (record.bridgePort !== undefined) chain.requireBridgeFilter()
  try {
    await parts.enforcement.attach(record)
  } catch (error) {
    const what = `The policy of ${describe(record)} could not be put into force`
    throw toCniError(error, 'enforcementFailed', what)
  }
}

function notChained({ name }: NetworkConfig): CniError {
  return new CniError(
    'unsupportedField',
    `The network ${name} lists sluice-cni after another plugin (prevResult), and this agent wires pods itself; run it with --chained, or make sluice-cni the first of the list`,
  )
}
