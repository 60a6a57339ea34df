import nodeFs from 'node:fs'
import nodeFsPromises from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate, setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createReports } from './agent/agent-reports.ts'
import type { AgentStatus } from './agent/agent-status.ts'
import { bringIntoForce } from './agent/bring-into-force.ts'
import { openChainedNode } from './agent/chained-node.ts'
import { ClusterNetwork, clusterRanges, type NetworkOptions } from './agent/cluster-network.ts'
import { writeCniConfig } from './agent/cni-config-file.ts'
import { followCniConfig } from './agent/follow-cni-config.ts'
import { Enforcer, type EnforcerParts } from './agent/enforcer.ts'
import { openGuard } from './agent/open-guard.ts'
import { watchHost } from './agent/watch-host.ts'
import { type Kernel, openKernel } from './agent/kernel.ts'
import { openKubernetesSource } from './agent/kubernetes-source.ts'
import { openFlows } from './agent/open-flows.ts'
import { openManifestSource } from './agent/manifest-source.ts'
import { createObserver } from './agent/observer.ts'
import { readProcessFacts } from './agent/process-facts.ts'
import { carryOutQueuedDeletions } from './agent/queued-deletions.ts'
import { recordRebuilder } from './agent/rebuild-record.ts'
import { releaseRegularly } from './agent/release-regularly.ts'
import { serveStatus } from './agent/serve-status.ts'
import type { AgentSource, Tell } from './agent/source.ts'
import { handleStarting } from './cni/handle-starting.ts'
import { createInTurn } from './cni/in-turn.ts'
import type { Obstacle } from './cni/obstacle.ts'
import { type CniServer, serveCni } from './cni/server.ts'
import { type CniHandler, type CniParts, createHandler } from './cni/verbs.ts'
import { PolicyLedger } from './cluster/policy-ledger.ts'
import { ClusterState } from './cluster/state.ts'
import { type FoundTables, inspect } from './dataplane/inspect.ts'
import { highestClass } from './dataplane/kernel-state.ts'
import { program } from './dataplane/program.ts'
import { enterNamespace } from './netlink/native.ts'
import { describe, HOST_INTERFACE_PREFIX } from './pods/attachment.ts'
import { Ipam } from './pods/ipam.ts'
import { OVERLAY_PORT, OVERLAY_VNI } from './pods/nodes/overlays.ts'
import { Reaper } from './pods/reaper.ts'
import type { PodRecord } from './pods/record.ts'
import { Records } from './pods/records.ts'
import type { ReleaseParts } from './pods/release-all.ts'
import { type TakenOver, takeOver } from './pods/take-over.ts'
import type { Cidr } from './policy/address.ts'
import { Compiler } from './policy/compile.ts'

export interface AgentOptions extends NetworkOptions {
  /** The source of truth: a directory of manifests, or the Kubernetes API (in a pod, without a kubeconfig). */
  readonly source:
    | { readonly kind: 'manifests'; readonly directory: string }
    | { readonly kind: 'kubernetes'; readonly kubeconfig: string | undefined }
  /** Sockets, records and queued deletions, on tmpfs. */
  readonly runDirectory: string
  /** The network namespace to be the agent of; its own without. */
  readonly netns: string | undefined
  readonly deny: 'drop' | 'reject'
  /** What a pod gets that nobody has told of, in a namespace with policies. */
  readonly unknownPods: 'isolate' | 'refuse'
  /** Another plugin wires the pods; this agent only enforces policy on them. */
  readonly chained: boolean
  /** Ports of the node that lead to pods do so on 127.0.0.1 as well. */
  readonly localhostHostPorts: boolean
  /** Where /proc/sys can be written: in a container it is read-only, and the node's net part mounted elsewhere. */
  readonly procSys: string
  /** Whether others are kept from changing the table, and whether what they do change is put right. */
  readonly guard: GuardMode
  /** Between two looks at the whole table. */
  readonly auditIntervalMs: number
  /** NFLOG group of denied packets. */
  readonly logGroup: number
  /** One in so many allowed connections goes into the log too; none without. */
  readonly logAllowed: number | undefined
  /** Of pod links, in bytes; without, what suits the node's links. */
  readonly mtu: number | undefined
  /** Port of localhost for health, readiness and metrics; none without. */
  readonly httpPort: number | undefined
  /** The file that makes the container runtime call us, written last; none without. */
  readonly cniConfig: string | undefined
  readonly log: Logger
}

/** `own`, `watch` where the kernel cannot do that, or `off`: the table is anybody's. */
export type GuardMode = 'own' | 'watch' | 'off'

export interface Agent {
  /** Stops serving. What is in the kernel stays in force. */
  close(): Promise<void>
}

/** How long an address rests before another pod gets it. */
const COOLDOWN_MS = 60_000
const CLIENT_TIMEOUT_MS = 10_000
const RANGES_POLL_MS = 250
const TUNNEL = { port: OVERLAY_PORT, vni: OVERLAY_VNI }

/**
 * The agent of one node: takes over what an earlier one left, brings policy into the kernel, answers the CNI.
 *
 * @throws when another agent serves the run directory, or when that, the source or the kernel cannot be used
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  if (options.netns !== undefined) enterNamespace(options.netns)
  // Before anything is changed: there is one agent. Requests wait until it is ready.
  const handler = Promise.withResolvers<CniHandler>()
  const observer = createObserver(() => performance.now())
  const cni = await serve(options, observer.requests(handleStarting(handler.promise)))
  const kernel = openKernel({
    ...options,
    ownTables: options.guard === 'own',
    measure: observer.commits,
  })
  const chains = program({ ...options, podInterfacePrefix: HOST_INTERFACE_PREFIX, tunnel: TUNNEL })
  const guard = options.guard === 'off' ? undefined : openGuard({ ...options, kernel, chains })
  const found = await inspect(kernel.nftables, chains, kernel.dataplane.ownsTables)

  const ledger = new PolicyLedger(() => new Date())
  const state = new ClusterState({
    chainedNode: options.chained ? options.node : undefined,
    onPolicy: (told) => ledger.tell(told),
  })
  const compiler = compilerAbove(found)
  const onInForce = (): void => {
    ledger.settle()
    observer.settle()
  }
  const enforcer = openEnforcer(options, { state, compiler, onInForce })
  const tell = observer.events((change, revision) => enforcer.tell(change, revision))
  const source = openSource(options, tell, () => void network.update())
  const network = openNetwork(options, enforcer, kernel, source)
  await source.synced
  const chained = options.chained ? openChainedNode(kernel, state, options.log) : undefined
  const pods = { ...(await openPods(options, kernel, source)), chain: chained?.chain }
  // Nothing of a pod that went while no agent ran is in our intent: there is nothing to take out of it.
  const nobody = { detach: () => Promise.resolve() }
  const rebuild = recordRebuilder({
    pods: state.cluster.pods.values(),
    node: options.node,
    hostPorts: found.state?.hostPorts.values() ?? [],
  })
  const taken = await takeOver({ ...pods, enforcement: nobody, rebuild })
  tellRebuilt(taken, options)
  for (const pod of taken.kept) pods.wiring.renew(pod)
  await enforcer.tell(() => taken.kept.flatMap((pod) => attachKept(state, pod, options.node)))
  const dataplane = await enforcer.begin(() => {
    const ranges = clusterRanges(routedNodes(options, source), options)
    const { lookUp } = source
    const parts = { kernel, chains, found, compiler, ipam: pods.ipam, chained, ranges, lookUp }
    return bringIntoForce(taken.kept, parts)
  })
  await guard?.begin(enforcer, found)
  const flows = openFlows({ ...options, kernel, compiler, state, source })
  const host = await watchHost(() => kernel.hostProblems(dataplane.state), options.log)
  kernel.watchNetwork(() => network.check())
  await network.update()
  const reports = createReports({
    node: options.node,
    state,
    ledger,
    compiler,
    enforcer,
    kernel,
    source,
    network,
    chained,
    records: pods.records,
    guard,
    host,
    flows,
    instruments: observer.instruments,
    processFacts: readProcessFacts,
  })

  const reaper = openReaper({ ...pods, enforcement: enforcer }, options)
  const obstacle = (): Obstacle | undefined => obstacleOf(enforcer) ?? chained?.obstacle()
  const parts = { ...pods, enforcement: enforcer, reaper, inTurn: createInTurn(), obstacle }
  const queue = await carryOutQueuedDeletions(options, createHandler(parts))
  handler.resolve(queue.handle)
  // Those whose DELs came while no agent ran have been gone for long.
  await reaper.reap().catch((error: unknown) => tellReaping(error, options))
  const abandoned = releaseRegularly(parts, options.log)
  const http = await serveStatus(options, { ...reports, source, flows })
  const cniConfig = await announce(options)
  logReady(options, found, taken, reports.status())
  return {
    close: async () => {
      queue.close()
      abandoned.close()
      guard?.close()
      host.close()
      chained?.close()
      cniConfig?.close()
      source.close()
      flows.close()
      await Promise.all([cni.close(), ...http.map((server) => server.close())])
      await reaper.close()
      kernel.close()
    },
  }
}

/** What is left of pods is removed when this node has been quiet for so long, and at the latest so long after they left. */
const QUIET_MS = 100
const LATEST_MS = 1000

function openReaper(parts: ReleaseParts, options: AgentOptions): Reaper {
  return new Reaper({
    ...parts,
    uptime: () => performance.now(),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    onError: (error) => tellReaping(error, options),
    quietMs: QUIET_MS,
    latestMs: LATEST_MS,
  })
}

function tellReaping(error: unknown, { log }: AgentOptions): void {
  log.error({ event: 'pods.reap', err: error }, 'links of deleted pods stay; it is tried again')
}

/** No ADD succeeds while the kernel refuses policy, and what policy allows anew is not allowed in the kernel. */
function obstacleOf({ refusal }: Enforcer): Obstacle | undefined {
  if (refusal === undefined) return undefined
  return { reason: `${refusal.message}. It is tried again`, harmsPods: true }
}

/** Makes the container runtime call us: alone, or behind the plugins that wire. */
async function announce({
  cniConfig: path,
  chained,
  log,
}: AgentOptions): Promise<{ close: () => void } | undefined> {
  if (path === undefined) return undefined
  if (!chained) {
    await writeCniConfig(path)
    return undefined
  }
  return followCniConfig({ path, files: nodeFsPromises, log, setInterval: everyMs })
}

function everyMs(callback: () => Promise<void>, periodMs: number): { stop: () => void } {
  const timer = setInterval(() => void callback(), periodMs)
  return { stop: () => clearInterval(timer) }
}

function tellRebuilt({ rebuilt }: TakenOver, { log }: AgentOptions): void {
  for (const record of rebuilt) {
    log.warn(
      { event: 'record.rebuilt', interface: record.hostInterface },
      `${describe(record)} had no record in the run directory; it is written anew from what kernel and source tell`,
    )
  }
}

function logReady(
  { log }: AgentOptions,
  { state, obstacle }: FoundTables,
  { kept, rebuilt, released, deleted }: TakenOver,
  status: AgentStatus,
): void {
  const table = state === undefined ? 'installed' : 'adopted'
  const pods = {
    kept: kept.length,
    rebuilt: rebuilt.length,
    released: released.length,
    deleted: deleted.length,
  }
  log.info(
    { event: 'agent.ready', table, replaced: obstacle, ...pods, ...status },
    'the policies of this node are in force',
  )
}

function serve({ runDirectory }: AgentOptions, handle: CniHandler): Promise<CniServer> {
  return serveCni({
    path: join(runDirectory, 'cni.sock'),
    handle,
    clientTimeoutMs: CLIENT_TIMEOUT_MS,
    files: nodeFsPromises,
  })
}

/** Its ids are above all that the kernel still holds; equal port sets keep theirs. */
function compilerAbove({ state }: FoundTables): Compiler {
  return new Compiler(state && { firstClass: highestClass(state) + 1, portSetIds: state.portSets })
}

function openEnforcer(
  { node, unknownPods, log }: AgentOptions,
  parts: Pick<EnforcerParts, 'state' | 'compiler' | 'onInForce'>,
): Enforcer {
  return new Enforcer({
    ...parts,
    node,
    unknownPods,
    onRefused: (error) => log.error({ event: 'commit.refused', err: error }, error.message),
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    yieldToOthers: () => setImmediate(),
  })
}

function openSource(
  { source, node, log }: AgentOptions,
  tell: Tell,
  onNodes: () => void,
): AgentSource {
  return source.kind === 'manifests'
    ? openManifestSource({ directory: source.directory, node, log }, tell)
    : openKubernetesSource({ kubeconfig: source.kubeconfig, log, onNodes }, tell)
}

function openNetwork(
  options: AgentOptions,
  enforcer: Enforcer,
  kernel: Kernel,
  source: AgentSource,
): ClusterNetwork {
  return new ClusterNetwork(options, {
    enforcer,
    kernel,
    nodes: () => routedNodes(options, source),
    log: options.log,
    setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  })
}

/** Records, addresses and links of the pods of this node. */
async function openPods(
  options: AgentOptions,
  kernel: Kernel,
  source: AgentSource,
): Promise<Omit<CniParts, 'enforcement' | 'reaper' | 'inTurn' | 'obstacle'>> {
  const { log, localhostHostPorts } = options
  const podCidrs = await podCidrsOf(options, source)
  const nodeAddresses =
    options.nodeAddresses.length > 0
      ? options.nodeAddresses
      : (source.nodes().get(options.node)?.addresses ?? [])
  // Manifests speak of no other nodes.
  const overlay = options.source.kind === 'manifests' ? 'never' : options.overlay
  const mtu = options.mtu ?? kernel.podMtu(nodeAddresses, overlay)
  const records = new Records({
    directory: join(options.runDirectory, 'pods'),
    files: nodeFs,
    report: (problem) => log.warn({ event: 'record.foreign' }, problem),
  })
  const ipam = new Ipam({ ranges: podCidrs, cooldownMs: COOLDOWN_MS, now: Date.now })
  const wiring = kernel.wiring({ podCidrs, nodeAddresses, mtu, localhostHostPorts })
  return {
    records,
    ipam,
    wiring,
    now: Date.now,
  }
}

/** A node that has just joined gets its ranges a moment later: they are waited for, and the reason is told. */
async function podCidrsOf(
  { node, podCidrs, chained, source: { kind }, log }: AgentOptions,
  source: AgentSource,
): Promise<readonly Cidr[]> {
  if (chained) return []
  if (podCidrs.length > 0) return podCidrs
  if (kind === 'manifests') {
    throw new Error('Manifests do not say which addresses pods may have: name them with --pod-cidr')
  }
  for (let told = false; ; await delay(RANGES_POLL_MS)) {
    const ranges = source.nodes().get(node)?.podCidrs ?? []
    if (ranges.length > 0) return ranges
    if (told) continue
    told = true
    log.warn(
      { event: 'node.unassigned' },
      `Node ${node} has no podCIDRs yet. If it gets none, run the controller manager with --allocate-node-cidrs, or name them with --pod-cidr`,
    )
  }
}

/** Routes between nodes, and what leaves the cluster, are the affair of whoever wires the pods. */
function routedNodes(
  { chained }: AgentOptions,
  source: AgentSource,
): ReturnType<AgentSource['nodes']> {
  return chained ? new Map() : source.nodes()
}

function attachKept(state: ClusterState, record: PodRecord, node: string) {
  const { id, pod, addresses } = record
  return state.attach({ id, ...pod, node, addresses }).events
}
