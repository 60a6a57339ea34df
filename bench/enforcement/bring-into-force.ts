import { outlivePackets } from '../../src/agent/outlive-packets.ts'
import { setImmediate } from 'node:timers/promises'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { establish } from '../../src/dataplane/establish.ts'
import { inspect, readState } from '../../src/dataplane/inspect.ts'
import type { KernelState } from '../../src/dataplane/kernel-state.ts'
import { rangesOf } from '../../src/dataplane/ranges.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import type { Transaction } from '../../src/nftables/transaction.ts'
import type { Address } from '../../src/policy/address.ts'
import type { Tables } from '../../src/policy/tables.ts'
import { CHAINS } from './chains.ts'

export interface ForceOptions {
  /** Host interfaces of the node's pods. */
  readonly locals?: ReadonlyMap<Address, string>
  /** Another way into the kernel. */
  readonly commit?: (transaction: Transaction) => void
}

/**
 * What an agent does with the table of its node when it starts, without pods of its own, masquerading and host
 * ports: looks what is there, compiles, and brings that into force.
 *
 * @param socket of nfnetlink, into the node
 * @param compile gets what an earlier agent left
 * @throws whatever the kernel refuses
 */
export async function bringIntoForce(
  socket: NetlinkSocket,
  compile: (left: KernelState | undefined) => Tables,
  options: ForceOptions = {},
): Promise<Dataplane> {
  const parts = {
    commit: options.commit ?? ((transaction: Transaction) => commit(socket, transaction)),
    read: () => readState(socket),
    gracePeriod: outlivePackets,
    yieldToOthers: () => setImmediate(),
  }
  const found = await inspect(socket, CHAINS)
  return establish(parts, CHAINS, found, {
    tables: compile(found.state),
    locals: options.locals ?? new Map(),
    chainedInterfaces: new Set(),
    ranges: rangesOf([], []),
    hostPorts: [],
  })
}
