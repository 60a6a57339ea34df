import * as v from 'valibot'
import { type CniVersion, isSupported, SUPPORTED_VERSIONS } from './version.ts'
import { CniError } from './errors.ts'

/** The part of a network configuration (CNI specification, section 1) that we use. */
export interface NetworkConfig {
  readonly cniVersion: CniVersion
  readonly name: string
  /** Bytes; undefined = the agent's. */
  readonly mtu: number | undefined
  /** Handed back in the result as it came. */
  readonly dns: Dns | undefined
  /** Addresses that the runtime asks for (capability `ips`), without their prefix length. */
  readonly requestedAddresses: readonly string[]
}

export interface Dns {
  readonly nameservers?: readonly string[] | undefined
  readonly domain?: string | undefined
  readonly search?: readonly string[] | undefined
  readonly options?: readonly string[] | undefined
}

/** IPv6 needs links of at least 1280 bytes (RFC 8200, section 5). */
const MIN_MTU = 1280
const MAX_MTU = 65_535

const dns = v.object({
  nameservers: v.optional(v.array(v.string())),
  domain: v.optional(v.string()),
  search: v.optional(v.array(v.string())),
  options: v.optional(v.array(v.string())),
})

const configuration = v.object({
  name: v.pipe(
    v.string(),
    v.regex(
      /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/u,
      'must begin with a letter or digit and hold only these and _ . -',
    ),
  ),
  mtu: v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number of bytes'),
      v.minValue(MIN_MTU, `must be at least ${MIN_MTU}`),
      v.maxValue(MAX_MTU, `must be at most ${MAX_MTU}`),
    ),
  ),
  dns: v.optional(dns),
  runtimeConfig: v.optional(v.object({ ips: v.optional(v.array(v.string())) })),
  prevResult: v.optional(v.unknown()),
})

/**
 * Reads and checks the network configuration of an ADD. Fields that we do not know are fine.
 *
 * @throws CniError (undecodable) when it is not JSON, (incompatibleVersion) for a version that we do not speak,
 *   (invalidConfiguration) with the field's path, (unsupportedField) when another plugin went before.
 */
export function parseConfig(stdin: string): NetworkConfig {
  const value = parseJson(stdin)
  const cniVersion = versionOf(value)
  const parsed = v.safeParse(configuration, value)
  if (!parsed.success) throw invalid(parsed.issues[0])
  const { name, mtu, dns, runtimeConfig, prevResult } = parsed.output
  if (prevResult !== undefined) {
    throw new CniError(
      'unsupportedField',
      `The network ${name} lists sluice after another plugin (prevResult); make it the first of the list`,
    )
  }
  const requestedAddresses = (runtimeConfig?.ips ?? []).map((text) => text.replace(/\/.*$/su, ''))
  return { cniVersion, name, mtu, dns, requestedAddresses }
}

/**
 * The version that the runtime speaks; all that a DEL needs of its configuration.
 *
 * @throws CniError (undecodable) or (incompatibleVersion).
 */
export function parseVersion(stdin: string): CniVersion {
  return versionOf(parseJson(stdin))
}

function parseJson(stdin: string): unknown {
  try {
    return JSON.parse(stdin)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CniError('undecodable', 'The network configuration on stdin is not JSON', {
      details: reason,
      cause,
    })
  }
}

function versionOf(value: unknown): CniVersion {
  if (Array.isArray(value)) {
    const message = 'The network configuration must be an object, not a list'
    throw new CniError('invalidConfiguration', message)
  }
  const parsed = v.safeParse(v.object({ cniVersion: v.optional(v.string()) }), value)
  if (!parsed.success) throw invalid(parsed.issues[0])
  const { cniVersion } = parsed.output
  if (cniVersion !== undefined && isSupported(cniVersion)) return cniVersion
  const told =
    cniVersion === undefined
      ? // Specification, section 1.
        'no cniVersion, which means 0.1.0'
      : `cniVersion ${JSON.stringify(cniVersion.slice(0, 40))}`
  throw new CniError(
    'incompatibleVersion',
    `The network configuration has ${told}; sluice speaks ${SUPPORTED_VERSIONS.join(', ')}`,
  )
}

function invalid(issue: v.BaseIssue<unknown>): CniError {
  const path = v.getDotPath(issue)
  const field = path === null ? 'The network configuration' : `The network configuration's ${path}`
  const reason =
    issue.kind === 'schema' ? `must be ${issue.expected}, not ${issue.received}` : issue.message
  return new CniError('invalidConfiguration', `${field} ${reason.slice(0, 200)}`)
}
