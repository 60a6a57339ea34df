import * as v from 'valibot'
import { CniError } from './errors.ts'
import { decodeConfig, networkName } from './decode-config.ts'
import { NAMESPACE_NAME } from './namespace-name.ts'
import { orNothing } from './or-nothing.ts'
import { dnsSchema, resultSchema } from './result-schema.ts'
import type { Dns, Result } from './result.ts'
import { type RuntimeConfig, runtimeConfig } from './runtime-config.ts'
import type { CniVersion } from './version.ts'

/** The part of a network configuration (CNI specification 1.1.0, section 1) that we use. */
export interface NetworkConfig {
  readonly cniVersion: CniVersion
  readonly name: string
  /** Bytes; undefined = the agent's. */
  readonly mtu: number | undefined
  /** Of containers that the runtime gives no Kubernetes namespace; undefined = such containers are refused. */
  readonly defaultNamespace: string | undefined
  /** Handed back in the result as it came. */
  readonly dns: Dns | undefined
  /** What the plugins before us did (ADD), or the whole list (CHECK); undefined = nobody was before us. */
  readonly prevResult: Result | undefined
  readonly runtime: RuntimeConfig
}

/** IPv6 needs links of at least 1280 bytes (RFC 8200, section 5). */
const MIN_MTU = 1280
const MAX_MTU = 65_535

const configuration = v.object({
  name: networkName,
  mtu: v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number of bytes'),
      v.minValue(MIN_MTU, `must be at least ${MIN_MTU}`),
      v.maxValue(MAX_MTU, `must be at most ${MAX_MTU}`),
    ),
  ),
  defaultNamespace: v.optional(
    v.pipe(v.string(), v.regex(NAMESPACE_NAME, 'must be the name of a namespace')),
  ),
  dns: v.optional(dnsSchema),
  ipam: v.optional(v.object({ type: v.optional(v.string(), '') }), {}),
  runtimeConfig: v.optional(runtimeConfig, {}),
  prevResult: orNothing(resultSchema),
})

/**
 * Reads and checks the network configuration of an ADD or a CHECK. Fields that we do not know are fine.
 *
 * @throws CniError (undecodable, incompatibleVersion, invalidConfiguration, unsupportedField).
 */
export function parseConfig(stdin: string): NetworkConfig {
  const { cniVersion, fields } = decodeConfig(stdin, configuration)
  const { name, mtu, defaultNamespace, dns, ipam, prevResult, runtimeConfig: runtime } = fields
  if (ipam.type !== '') {
    throw new CniError(
      'unsupportedField',
      `The network configuration's ipam.type is ${JSON.stringify(ipam.type.slice(0, 60))}, and sluice gives addresses itself: leave ipam out`,
    )
  }
  return { cniVersion, name, mtu, defaultNamespace, dns, prevResult, runtime }
}
