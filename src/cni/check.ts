import { type Address, type Family, formatAddress } from '../policy/address.ts'
import { attachmentIdOf, describe } from '../pods/attachment.ts'
import type { Bandwidth } from '../pods/bandwidth.ts'
import type { ExpectedPodEnd } from '../pods/check-links.ts'
import { GATEWAYS } from '../pods/gateways.ts'
import { isAttached, type PodRecord } from '../pods/record.ts'
import { type CheckArguments, parseCheckArguments } from './arguments.ts'
import { parseConfig } from './config.ts'
import { CniError, toCniError } from './errors.ts'
import { requireVersion } from './require-version.ts'
import type { Result, ResultInterface } from './result.ts'
import type { CniParts, Verb } from './verbs.ts'

/**
 * CHECK (CNI specification 1.1.0, section 2; since 0.4.0): whether a pod's network is as ADD left it, its policy
 * included. All of it is read back from the kernel. What a later plugin of the list has changed, and says so in
 * `prevResult`, is expected.
 */
export const check: Verb = async (request, parts) => {
  const { cniVersion, name, prevResult, runtime } = parseConfig(request.stdin)
  requireVersion('CHECK', '0.4.0', cniVersion)
  const asked = parseCheckArguments(request.environment)
  if (prevResult === undefined) {
    // Section 2, CHECK: "A runtime must include a prevResult field in the network configuration".
    throw new CniError(
      'invalidConfiguration',
      `The configuration of network ${name} has no prevResult; CHECK needs the result of the pod's ADD`,
    )
  }
  const id = attachmentIdOf(asked)
  return parts.inTurn(id, async () => {
    const record = recordOf(id, asked, parts)
    try {
      report(record, [
        ...disagreements(record, asked, prevResult),
        ...(await faultsOf(
          record,
          asked.netns,
          expectedOf(record, prevResult, runtime.bandwidth),
          parts,
        )),
      ])
    } catch (error) {
      throw toCniError(error, 'internal', `The network of ${describe(record)} cannot be checked`)
    }
    return ''
  })
}

function recordOf(id: string, { containerId, ifName }: CheckArguments, parts: CniParts): PodRecord {
  const record = parts.records.get(id)
  // The id is made of these two, so they are right also where the record was lost and does not know them.
  if (record !== undefined && isAttached(record)) return { ...record, containerId, ifName }
  throw new CniError(
    'unknownContainer',
    `Container ${containerId} has no network of Sluice on ${ifName}: it was never added, or is deleted`,
  )
}

/** What the runtime remembers of ADD that is not so. */
function disagreements(record: PodRecord, { netns }: CheckArguments, result: Result): string[] {
  const own = podInterface(record, result)
  if (own === undefined) return [`prevResult has no interface ${record.ifName} in a sandbox`]
  const told = new Set<Address>(result.ips.map(({ address }) => address))
  const missing = record.addresses.filter((address) => !told.has(address))
  return [
    ...(own.sandbox === netns
      ? []
      : [`prevResult has it in ${own.sandbox}, and CNI_NETNS is ${netns}`]),
    ...missing.map((address) => `prevResult does not have its address ${formatAddress(address)}`),
  ]
}

/** What the kernel has otherwise. Links that others made are theirs to check. */
async function faultsOf(
  record: PodRecord,
  netns: string,
  expected: ExpectedPodEnd,
  { wiring, enforcement }: CniParts,
): Promise<readonly string[]> {
  const links = record.wiredBy === 'sluice' ? wiring.check(record, netns, expected) : []
  return [...links, ...(await enforcement.check(record))]
}

function expectedOf(
  record: PodRecord,
  result: Result,
  bandwidth: Bandwidth | undefined,
): ExpectedPodEnd {
  const families: readonly Family[] = [4, 6]
  const ours = ({ dst, gw }: Result['routes'][number], family: Family): boolean =>
    dst.prefix === 0 && gw === GATEWAYS[family]
  return {
    mac: podInterface(record, result)?.mac?.toLowerCase(),
    defaultRoutes: families.filter((family) => result.routes.some((route) => ours(route, family))),
    bandwidth,
  }
}

function podInterface({ ifName }: PodRecord, { interfaces }: Result): ResultInterface | undefined {
  return interfaces.find(({ name, sandbox }) => name === ifName && sandbox !== undefined)
}

/** @throws CniError that tells of all faults. */
function report(record: PodRecord, faults: readonly string[]): void {
  const [first, ...others] = faults
  if (first === undefined) return
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`
  throw new CniError(
    'checkFailed',
    `The network of ${describe(record)} is not as it was made: ${first}${more}`,
    {
      details: `${faults.join('. ')}. Delete the pod to have it made anew; if only the table inet sluice is changed, a restart of the Sluice agent of this node repairs it.`,
    },
  )
}
