import { spawnSync } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { Enforcer } from '../../src/agent/enforcer.ts'
import type { SourceChange } from '../../src/cluster/source-change.ts'
import { ClusterState } from '../../src/cluster/state.ts'
import type { Dataplane } from '../../src/dataplane/dataplane.ts'
import { highestClass, tablesOf } from '../../src/dataplane/kernel-state.ts'
import { NETLINK_NETFILTER } from '../../src/netlink/constants.ts'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import { type NetlinkSocket, openNetlink } from '../../src/netlink/socket.ts'
import { commit } from '../../src/nftables/commit.ts'
import type { Transaction } from '../../src/nftables/transaction.ts'
import { Compiler } from '../../src/policy/compile.ts'
import type { ClusterEvent, Pod } from '../../src/policy/model.ts'
import { bringIntoForce } from '../enforcement/bring-into-force.ts'
import { readUntil } from '../start/read-until.ts'
import { checkFlows } from './check-flows.ts'
import { BENCH_NODE, clusterAt, type ClusterSize } from './cluster.ts'
import { nftText } from './nft-text.ts'

/** How a change gets into the kernel's table. */
export type Way = 'netlink' | 'nft'

/**
 * What the agent has between its source of objects and the kernel: cluster state, compiler, data plane, and the
 * enforcer that joins them, on a table in a network namespace of its own.
 */
export class ProgrammedNode {
  readonly size: ClusterSize
  readonly locals: readonly Pod[]
  readonly #netns: string
  readonly #socket: NetlinkSocket
  readonly #state = new ClusterState()
  #compiler = new Compiler()
  #enforcer: Enforcer
  #dataplane: Dataplane | undefined
  #way: Way = 'netlink'
  #refused: Error | undefined

  private constructor(size: ClusterSize, netns: string) {
    this.size = size
    this.#netns = netns
    this.#socket = openNetlink(NETLINK_NETFILTER, { netns })
    this.#enforcer = this.#newEnforcer()
    this.#state.apply(clusterAt(size))
    this.locals = this.#state.cluster.pods
      .values()
      .filter(({ node }) => node === BENCH_NODE)
      .toArray()
    for (const pod of this.locals) this.#state.attach({ id: pod.uid, ...pod })
  }

  /** Makes the namespace and brings a cluster of this size into force in it. */
  static async open(size: ClusterSize, netns: string): Promise<ProgrammedNode> {
    createNamespace(netns)
    try {
      const node = new ProgrammedNode(size, netns)
      await node.#begin()
      return node
    } catch (error) {
      deleteNamespace(netns)
      throw error
    }
  }

  /** From the event to its commit, as the agent's source tells of it. @throws what the kernel refuses it with */
  async tell(changes: readonly SourceChange[], way: Way = 'netlink'): Promise<void> {
    this.#way = way
    await this.#enforcer.tell((state) => state.apply(changes))
    if (this.#refused !== undefined) throw this.#refused
  }

  /** The same for an agent that keeps nothing between events: compiles all objects anew and writes what differs. */
  async resync(changes: readonly SourceChange[]): Promise<void> {
    const dataplane = this.#inForce()
    this.#way = 'netlink'
    this.#state.apply(changes)
    this.#compiler = new Compiler({
      firstClass: highestClass(dataplane.state) + 1,
      portSetIds: dataplane.state.portSets,
    })
    this.#compiler.apply(this.#objects())
    await dataplane.reconcile(this.#compiler.tables())
    this.#enforcer = this.#newEnforcer()
    await this.#force(dataplane)
  }

  /** @throws Error when the kernel does not hold what was compiled, or that is not what policy says */
  async check(): Promise<void> {
    await this.#enforcer.alter(async (dataplane) => {
      await dataplane.outlive()
      await dataplane.tidy()
    })
    const compiled = this.#compiler.tables()
    await readUntil(this.#socket, (held) => isDeepStrictEqual(tablesOf(held), compiled))
    checkFlows(this.#state.cluster, compiled)
  }

  close(): void {
    this.#socket.close()
    deleteNamespace(this.#netns)
  }

  async #begin(): Promise<void> {
    this.#compiler.apply(this.#objects())
    this.#dataplane = await bringIntoForce(this.#socket, () => this.#compiler.tables(), {
      commit: (transaction) => this.#commit(transaction),
    })
    await this.#force(this.#dataplane)
  }

  #newEnforcer(): Enforcer {
    return new Enforcer({
      node: BENCH_NODE,
      state: this.#state,
      compiler: this.#compiler,
      unknownPods: 'isolate',
      onRefused: (error) => {
        this.#refused = error
      },
      setTimer: () => undefined,
      yieldToOthers: () => setImmediate(),
    })
  }

  /** Connections are swept after the commit, at a time of its own: that is none of this. */
  async #force(dataplane: Dataplane): Promise<void> {
    await this.#enforcer.begin(() =>
      Promise.resolve({
        dataplane,
        inspectPod: () => [],
        revocation: {
          sweep: () => undefined,
          forget: () => Promise.resolve(),
          divert: () => Promise.resolve(),
          mendBars: () => Promise.resolve(0),
        },
        lookUp: undefined,
      }),
    )
  }

  #inForce(): Dataplane {
    if (this.#dataplane === undefined) throw new Error('Nothing is in force: open the node first.')
    return this.#dataplane
  }

  /** Policies before the pods that they select, which is least work. */
  *#objects(): Generator<ClusterEvent> {
    const { namespaces, policies, pods } = this.#state.cluster
    for (const namespace of namespaces.values()) yield { kind: 'namespace', namespace }
    for (const policy of policies.values()) yield { kind: 'policy', policy }
    for (const pod of pods.values()) yield { kind: 'pod', pod }
  }

  #commit(transaction: Transaction): void {
    if (this.#way === 'netlink') return commit(this.#socket, transaction)
    const command = [`--net=${this.#netns}`, 'nft', '-f', '-']
    const { status, stderr, error } = spawnSync('nsenter', command, {
      input: nftText(transaction),
      encoding: 'utf8',
    })
    if (status === 0) return
    throw new Error(`nft refused the change: ${error?.message ?? stderr}`)
  }
}
