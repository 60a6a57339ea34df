/**
 * A new agent as far as the data plane goes: `starter.ts NETNS PODS POLICIES`. Reads the cluster and says so; on
 * a message brings it into force and says how long that took; then looks whether the kernel holds what policy
 * says. A process for each start, since a real agent begins without compiled code too. Run by starts.ts.
 */
import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'
import { ClusterState } from '../../src/cluster/state.ts'
import { highestClass, type KernelState, tablesOf } from '../../src/dataplane/kernel-state.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { openNetlink } from '../../src/netlink/socket.ts'
import { ip4, ip6 } from '../../src/policy/address.ts'
import { Compiler } from '../../src/policy/compile.ts'
import type { Pod } from '../../src/policy/model.ts'
import type { Tables } from '../../src/policy/tables.ts'
import { bringIntoForce } from '../enforcement/bring-into-force.ts'
import { checkTables } from './check-tables.ts'
import { BENCH_NODE, clusterTexts } from './cluster-texts.ts'
import { readCluster } from './read-cluster.ts'
import { readUntil } from './read-until.ts'
import { sizeFromArguments } from './size-arguments.ts'

const [, , netns = ''] = process.argv
const socket = openNetlink(NETLINK_NETFILTER, { netns })
const changes = readCluster(clusterTexts(sizeFromArguments(1)))
const state = new ClusterState()
process.send?.('ready')
await once(process, 'message')
const startedAt = performance.now()
let tables: Tables | undefined
await bringIntoForce(socket, (left) => (tables = compile(left)))
process.send?.(performance.now() - startedAt)
const held = await readUntil(socket, (one) => isDeepStrictEqual(tablesOf(one), tables))
checkTables(state.cluster, tablesOf(held))
process.send?.('checked')
socket.close()
process.disconnect()

/** All objects, beside what an earlier agent has left. */
function compile(left: KernelState | undefined): Tables {
  const compiler = new Compiler(
    left && { firstClass: highestClass(left) + 1, portSetIds: left.portSets },
  )
  compiler.apply(state.apply(changes))
  const locals = state.cluster.pods.values().filter(({ node }) => node === BENCH_NODE)
  compiler.apply(locals.toArray().flatMap((pod, index) => attach(pod, index)))
  return compiler.tables()
}

function attach({ namespace, name, uid }: Pod, index: number) {
  const addresses = [ip4(0x0a5d_0002 + index), ip6((0xfd00_0010_0093n << 80n) + BigInt(2 + index))]
  return state.attach({ id: uid, namespace, name, uid, node: BENCH_NODE, addresses }).events
}
