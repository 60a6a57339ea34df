import * as v from 'valibot'
import { attachmentIdOf, describe } from '../pods/attachment.ts'
import { isAttached, type PodRecord } from '../pods/record.ts'
import { decodeConfig, networkName } from './decode-config.ts'
import { CniError, toCniError } from './errors.ts'
import { removeAttachment } from './remove-attachment.ts'
import { requireVersion } from './require-version.ts'
import type { Verb } from './verbs.ts'

/**
 * GC (CNI specification 1.1.0, section 2): takes away the network's attachments that the runtime does not list
 * as valid. Goes on where one fails, and tells of all that failed.
 */
export const gc: Verb = async (request, parts) => {
  const { network, valid } = parseGc(request.stdin)
  const stale = parts.records.all().filter((record) => isStale(record, network, valid))
  const failures: { readonly record: PodRecord; readonly error: CniError }[] = []
  for (const record of stale) {
    try {
      await removeAttachment(record, parts)
    } catch (error) {
      failures.push({ record, error: toCniError(error, 'internal', 'It is not removed') })
    }
  }
  reportFailures(failures, stale.length, network)
  return ''
}

/** Those of agents that did not keep the network's name are ours: there was one. */
function isStale(record: PodRecord, network: string, valid: ReadonlySet<string>): boolean {
  const isOfNetwork = record.network === network || record.network === ''
  return isOfNetwork && isAttached(record) && !valid.has(record.id)
}

function reportFailures(
  failures: readonly { readonly record: PodRecord; readonly error: CniError }[],
  tried: number,
  network: string,
): void {
  const [first] = failures
  if (first === undefined) return
  const details = failures
    .map(
      ({ record, error }) =>
        `${describe(record)} of container ${record.containerId || 'unknown'}: ${error.message}`,
    )
    .join('; ')
  throw new CniError(
    first.error.kind,
    `${failures.length} of ${tried} stale attachments of the network ${network} are not removed; GC or DEL will try again`,
    { details, cause: first.error },
  )
}

const attachments = v.array(v.object({ containerID: v.string(), ifname: v.string() }))

const configuration = v.object({
  name: networkName,
  'cni.dev/valid-attachments': v.optional(attachments),
  // What the specification called it at first (containernetworking/cni issue 1101); libcni sends both.
  'cni.dev/attachments': v.optional(attachments),
})

/**
 * Whose attachments, and the ids of those that stay. A list that is missing is not an empty one: it would be
 * the order to cut every pod.
 */
function parseGc(stdin: string): { network: string; valid: ReadonlySet<string> } {
  const { cniVersion, fields } = decodeConfig(stdin, configuration)
  requireVersion('GC', '1.1.0', cniVersion)
  const listed = fields['cni.dev/valid-attachments'] ?? fields['cni.dev/attachments']
  if (listed === undefined) {
    throw new CniError(
      'invalidConfiguration',
      "The network configuration's cni.dev/valid-attachments is missing: GC removes what it does not list, so it must list something or be []",
    )
  }
  const ids = listed.map(({ containerID, ifname }) =>
    attachmentIdOf({ containerId: containerID, ifName: ifname }),
  )
  return { network: fields.name, valid: new Set(ids) }
}
