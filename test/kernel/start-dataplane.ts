import { setImmediate } from 'node:timers/promises'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { establish } from '../../src/dataplane/establish.ts'
import type { HostPort } from '../../src/dataplane/host-ports.ts'
import { type FoundTables, inspect, readState } from '../../src/dataplane/inspect.ts'
import { highestClass } from '../../src/dataplane/kernel-state.ts'
import { program, type ProgramChain } from '../../src/dataplane/program.ts'
import { type Ranges, rangesOf } from '../../src/dataplane/ranges.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import type { Transaction } from '../../src/nftables/transaction.ts'
import type { Address } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import type { ClusterEvent } from '../../src/policy/model.ts'

const OPTIONS = {
  deny: 'drop',
  logGroup: 100,
  podInterfacePrefix: 'slc',
  tunnel: { port: 4789, vni: 4096 },
  localhostHostPorts: true,
  chained: false,
} as const
export const PROGRAM = program(OPTIONS)
/** As another version of the agent has it. */
export const OTHER_PROGRAM = program({ ...OPTIONS, logGroup: 101 })

export interface Start {
  readonly events: readonly ClusterEvent[]
  readonly chains?: readonly ProgramChain[]
  readonly locals?: ReadonlyMap<Address, string>
  readonly ranges?: Ranges
  readonly hostPorts?: readonly HostPort[]
  readonly commit?: (transaction: Transaction) => void
  /** None without: no packets are on their way. */
  readonly gracePeriod?: () => Promise<void>
}

export interface Started {
  readonly found: FoundTables
  readonly compiler: Compiler
  readonly dataplane: Dataplane
}

/** What an agent does at its start, as far as the data plane is concerned. */
export async function startDataplane(
  socket: NetlinkSocket,
  {
    events,
    chains = PROGRAM,
    locals = new Map(),
    ranges = rangesOf([], []),
    hostPorts = [],
    commit: send = (transaction) => commit(socket, transaction),
    gracePeriod = () => Promise.resolve(),
  }: Start,
): Promise<Started> {
  const found = await inspect(socket, chains)
  const compiler = new Compiler(
    found.state && {
      firstClass: highestClass(found.state) + 1,
      portSetIds: found.state.portSets,
    },
  )
  compiler.apply(events)
  const parts = {
    commit: send,
    read: () => readState(socket),
    gracePeriod,
    yieldToOthers: () => setImmediate(),
  }
  const chainedInterfaces = new Set<string>()
  const wanted = { tables: compiler.tables(), locals, chainedInterfaces, ranges, hostPorts }
  const dataplane = await establish(parts, chains, found, wanted)
  return { found, compiler, dataplane }
}

/** Commits that many transactions, then dies: whatever comes after them is refused. */
export function dyingAfter(
  count: number,
  send: (transaction: Transaction) => void,
): (transaction: Transaction) => void {
  let left = count
  return (transaction) => {
    if (left === 0) throw new Error('The agent died here for the test.')
    left -= 1
    send(transaction)
  }
}
