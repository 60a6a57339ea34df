/**
 * A new agent as far as the data plane goes: `starter.ts NETNS PODS POLICIES`. Reads the cluster and says so; on
 * a message brings it into force and says how long that took; then looks whether the kernel holds what policy
 * says. A process for each start, since a real agent begins without compiled code too. Run by starts.ts.
 */
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { SourceChange } from '../../src/cluster/source-change.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import { establish } from '../../src/dataplane/establish.ts'
import { inspect, readState } from '../../src/dataplane/inspect.ts'
import { highestClass, tablesOf } from '../../src/dataplane/kernel-state.ts'
import { program } from '../../src/dataplane/program.ts'
import { rangesOf } from '../../src/dataplane/ranges.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import type { Pod } from '../../src/policy/model.ts'
import type { Tables } from '../../src/policy/tables.ts'
import { checkTables } from './check-tables.ts'
import { BENCH_NODE, clusterTexts } from './cluster-texts.ts'
import { readCluster } from './read-cluster.ts'
import { readUntil } from './read-until.ts'

const CHAINS = program({
  deny: 'drop',
  logGroup: 100,
  podInterfacePrefix: 'slc',
  tunnel: { port: 4789, vni: 4096 },
  localhostHostPorts: false,
  chained: false,
})

const [netns = '', pods, policies] = process.argv.slice(2)
const socket = openNetlink(NETLINK_NETFILTER, { netns })
const changes = readCluster(clusterTexts({ pods: Number(pods), policies: Number(policies) }))
const state = new ClusterState()
process.send?.('ready')
await once(process, 'message')
const startedAt = performance.now()
const tables = await start(changes)
process.send?.(performance.now() - startedAt)
const held = await readUntil(socket, (one) => isDeepStrictEqual(tablesOf(one), tables))
checkTables(state.cluster, tablesOf(held))
process.send?.('checked')
socket.close()
process.disconnect()

/** From objects in memory to their policy in the kernel, over what an earlier agent has left there. */
async function start(objects: readonly SourceChange[]): Promise<Tables> {
  const found = await inspect(socket, CHAINS)
  const compiler = new Compiler(
    found.state && { firstClass: highestClass(found.state) + 1, portSetIds: found.state.portSets },
  )
  compiler.apply(state.apply(objects))
  const locals = state.cluster.pods.values().filter(({ node }) => node === BENCH_NODE)
  compiler.apply(locals.toArray().flatMap((pod, index) => attach(pod, index)))
  const wanted = {
    tables: compiler.tables(),
    locals: new Map(),
    chainedInterfaces: new Set<string>(),
    ranges: rangesOf([], []),
    hostPorts: [],
  }
  const parts = {
    commit: (transaction: Parameters<typeof commit>[1]) => commit(socket, transaction),
    read: () => readState(socket),
    yieldToOthers: () => setImmediate(),
  }
  await establish(parts, CHAINS, found, wanted)
  return wanted.tables
}

function attach({ namespace, name, uid }: Pod, index: number) {
  const addresses = [ip4(0x0a5d_0002 + index), ip6((0xfd00_0010_0093n << 80n) + BigInt(2 + index))]
  return state.attach({ id: uid, namespace, name, uid, node: BENCH_NODE, addresses }).events
}
