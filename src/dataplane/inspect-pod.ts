import type { NetlinkSocket } from '../netlink/socket.ts'
import { getElements } from '../nftables/get-elements.ts'
import { checkPod } from './check-pod.ts'
import { checkProgram } from './check-program.ts'
import type { KernelState } from './kernel-state.ts'
import type { PodPlace } from './pod-place.ts'
import type { ProgramChain } from './program.ts'
import { tableReference } from './table.ts'

/** What of one pod's policy is not in force in the kernel, read back from there: a sentence for each fault. */
export function inspectPod(
  place: PodPlace,
  state: KernelState,
  chains: readonly ProgramChain[],
  socket: NetlinkSocket,
): string[] {
  const table = tableReference('sluice')
  return [
    ...checkProgram(socket, chains),
    ...checkPod(place, state, (set, elements) => getElements(socket, table, set, elements)),
  ]
}
