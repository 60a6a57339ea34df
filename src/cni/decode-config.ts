import * as v from 'valibot'
import { CniError } from './errors.ts'
import { type CniVersion, isSupported, SUPPORTED_VERSIONS } from './version.ts'

/**
 * Reads a network configuration (CNI specification 1.1.0, section 1) as far as `schema` goes, and the version
 * that the runtime speaks.
 *
 * @throws CniError (undecodable) when it is not JSON, (incompatibleVersion) for a version that we do not speak,
 *   (invalidConfiguration) with the field's path.
 */
export function decodeConfig<Schema extends v.GenericSchema>(
  stdin: string,
  schema: Schema,
): { readonly cniVersion: CniVersion; readonly fields: v.InferOutput<Schema> } {
  const value = parseJson(stdin)
  const cniVersion = versionOf(value)
  const parsed = v.safeParse(schema, value)
  if (!parsed.success) throw invalid(parsed.issues[0])
  return { cniVersion, fields: parsed.output }
}

/** `name` of a network configuration (section 1, "Configuration format"). */
export const networkName = v.pipe(
  v.string(),
  v.regex(
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/u,
    'must begin with a letter or digit and hold only these and _ . -',
  ),
)

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
