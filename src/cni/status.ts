import * as v from 'valibot'
import { formatCidr } from '../policy/address.ts'
import type { Ipam } from '../pods/ipam.ts'
import { decodeConfig, networkName } from './decode-config.ts'
import { CniError } from './errors.ts'
import type { Obstacle } from './obstacle.ts'
import { requireVersion } from './require-version.ts'
import type { Verb } from './verbs.ts'

/** STATUS (CNI specification 1.1.0, section 2): whether an ADD could succeed now. Asks nothing of the kernel. */
export const status: Verb = async (request, parts) => {
  const { cniVersion } = decodeConfig(request.stdin, v.object({ name: networkName }))
  requireVersion('STATUS', '1.1.0', cniVersion)
  // An ADD that finds nothing else takes what those hold who have left.
  const full = parts.reaper.isWaiting ? undefined : exhaustion(parts.ipam)
  const obstacle = parts.obstacle() ?? full
  if (obstacle === undefined) return ''
  throw new CniError(obstacle.harmsPods ? 'limitedConnectivity' : 'notAvailable', obstacle.reason)
}

/** Resting addresses are not in use: when nothing else is left, they are given out. */
function exhaustion(ipam: Ipam): Obstacle | undefined {
  const full = ipam.usage().find(({ used, capacity }) => BigInt(used) >= capacity)
  if (full === undefined) return undefined
  return {
    reason: `All ${full.capacity} addresses of ${full.ranges.map(formatCidr).join(', ')} are in use; give this node another range`,
    harmsPods: false,
  }
}
