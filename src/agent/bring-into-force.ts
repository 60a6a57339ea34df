import type { FoundTables } from '../dataplane/inspect.ts'
import { establish } from '../dataplane/establish.ts'
import { hostPortsOf } from '../dataplane/host-ports.ts'
import { inspectPod } from '../dataplane/inspect-pod.ts'
import type { ProgramChain } from '../dataplane/program.ts'
import type { Ranges } from '../dataplane/ranges.ts'
import { ownsChainedInterface } from '../pods/attachment.ts'
import type { Ipam } from '../pods/ipam.ts'
import type { PodRecord } from '../pods/record.ts'
import type { Address } from '../policy/address.ts'
import type { Compiler } from '../policy/compile.ts'
import type { ChainedNode } from './chained-node.ts'
import type { Force } from './enforcer.ts'
import type { Kernel } from './kernel.ts'

export interface ForceParts {
  readonly kernel: Pick<Kernel, 'dataplane' | 'nftables' | 'revocation'>
  readonly chains: readonly ProgramChain[]
  readonly found: FoundTables
  readonly compiler: Compiler
  readonly ipam: Ipam
  readonly chained: ChainedNode | undefined
  /** What is masqueraded. */
  readonly ranges: Ranges
  readonly lookUp: Force['lookUp']
}

/**
 * Brings what was gathered into force, for the pods that an earlier agent left.
 *
 * @throws whatever the kernel refuses; the table that was in force stays
 */
export async function bringIntoForce(
  kept: readonly PodRecord[],
  { kernel, chains, found, compiler, ipam, chained, ranges, lookUp }: ForceParts,
): Promise<Force> {
  const wanted = {
    tables: compiler.tables(),
    locals: new Map([...(chained?.unattached.locate() ?? []), ...kept.flatMap(localsOf)]),
    chainedInterfaces: chainedInterfacesOf(kept),
    ranges,
    hostPorts: kept.flatMap(({ portMappings, addresses }) => hostPortsOf(portMappings, addresses)),
  }
  const dataplane = await establish(kernel.dataplane, chains, found, wanted)
  const revocation = await kernel.revocation(() => dataplane.tables())
  // An agent that died may not have come to it, and from now on nobody looks when an address is given out.
  await revocation.forget((address) => ipam.isFree(address))
  await chained?.resume(kept)
  return {
    dataplane,
    bridges: chained?.bridges,
    unattached: chained?.unattached,
    inspectPod: (place) => inspectPod(place, dataplane.state, chains, kernel.nftables),
    revocation,
    lookUp,
  }
}

function localsOf({ addresses, hostInterface }: PodRecord): [Address, string][] {
  return addresses.map((address) => [address, hostInterface])
}

function chainedInterfacesOf(records: readonly PodRecord[]): ReadonlySet<string> {
  return new Set(records.filter(ownsChainedInterface).map(({ hostInterface }) => hostInterface))
}
