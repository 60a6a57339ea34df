import { CniError } from './errors.ts'
import { type CniVersion, SUPPORTED_VERSIONS } from './version.ts'

/**
 * A verb is for runtimes that speak a version of the specification that has it.
 *
 * @throws CniError (incompatibleVersion) for an older one.
 */
export function requireVersion(verb: string, since: CniVersion, version: CniVersion): void {
  if (SUPPORTED_VERSIONS.indexOf(version) >= SUPPORTED_VERSIONS.indexOf(since)) return
  throw new CniError(
    'incompatibleVersion',
    `CNI has ${verb} since version ${since}, and the network configuration has cniVersion ${version}`,
  )
}
