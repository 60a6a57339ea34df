import { setImmediate } from 'node:timers/promises'
import { establish } from '../../src/dataplane/establish.ts'
import { inspect, readState } from '../../src/dataplane/inspect.ts'
import { program } from '../../src/dataplane/program.ts'
import { rangesOf } from '../../src/dataplane/ranges.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import type { Address } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import { clusterOf } from './cluster.ts'

/** As the agent has them by default. */
const CHAINS = program({
  deny: 'drop',
  logGroup: 100,
  podInterfacePrefix: 'slc',
  tunnel: { port: 4789, vni: 4096 },
  localhostHostPorts: false,
  chained: false,
})

/** Packets that Sluice denied. */
export const SLUICE_DENIED = { table: 'sluice', counter: 'denied_ingress' } as const

/** What an agent puts into force at its start, with so many policies. @param locals host interfaces of pods */
export async function establishSluice(
  socket: NetlinkSocket,
  policies: number,
  locals: ReadonlyMap<Address, string>,
): Promise<void> {
  const compiler = new Compiler()
  compiler.apply(clusterOf(policies))
  const parts = {
    commit: (transaction: Parameters<typeof commit>[1]) => commit(socket, transaction),
    read: () => readState(socket),
    yieldToOthers: () => setImmediate(),
  }
  await establish(parts, CHAINS, await inspect(socket, CHAINS), {
    tables: compiler.tables(),
    locals,
    chainedInterfaces: new Set(),
    ranges: rangesOf([], []),
    hostPorts: [],
  })
}
