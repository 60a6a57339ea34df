import type { AgentOptions } from './agent/agent-options.ts'
import { createReports } from './agent/agent-reports.ts'
import { announce } from './agent/announce.ts'
import { bringIntoForce } from './agent/bring-into-force.ts'
import { openChainedNode } from './agent/chained-node.ts'
import { openKernel } from './agent/kernel.ts'
import { logReady } from './agent/log-ready.ts'
import { noteTold } from './agent/note-told.ts'
import { createObserver } from './agent/observer.ts'
import { obstacleOf } from './agent/obstacle-of.ts'
import { openEnforcer } from './agent/open-enforcer.ts'
import { openFlows } from './agent/open-flows.ts'
import { openGuard } from './agent/open-guard.ts'
import { openNetwork } from './agent/open-network.ts'
import { openPods } from './agent/open-pods.ts'
import { openReaper } from './agent/open-reaper.ts'
import { openSource } from './agent/open-source.ts'
import { readProcessFacts } from './agent/process-facts.ts'
import { carryOutQueuedDeletions } from './agent/queued-deletions.ts'
import { releaseRegularly } from './agent/release-regularly.ts'
import { serveRuntime } from './agent/serve-runtime.ts'
import { serveStatus } from './agent/serve-status.ts'
import { takeOverPods } from './agent/take-over-pods.ts'
import { watchHost } from './agent/watch-host.ts'
import { handleStarting } from './cni/handle-starting.ts'
import { createInTurn } from './cni/in-turn.ts'
import { type CniHandler, createHandler } from './cni/verbs.ts'
import { inspect } from './dataplane/inspect.ts'
import { program } from './dataplane/program.ts'
import { enterNamespace } from './netlink/native.ts'
import { HOST_INTERFACE_PREFIX } from './pods/attachment.ts'
import { OVERLAY_PORT, OVERLAY_VNI } from './pods/nodes/overlays.ts'

export interface Agent {
  /** Stops serving. What is in the kernel stays in force. */
  close(): Promise<void>
}

const TUNNEL = { port: OVERLAY_PORT, vni: OVERLAY_VNI }

/**
 * The agent of one node: takes over what an earlier one left, brings policy into the kernel, answers the CNI. Its
 * parts are in `agent/`; here is the order in which they begin and end.
 *
 * @throws when another agent serves the run directory, or when that, the source or the kernel cannot be used
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { node, log } = options
  if (options.netns !== undefined) enterNamespace(options.netns)
  // Before anything is changed: there is one agent. Requests wait until it is ready.
  const handler = Promise.withResolvers<CniHandler>()
  const observer = createObserver(() => performance.now())
  const handle = observer.requests(handleStarting(handler.promise))
  const cni = await serveRuntime(options.runDirectory, handle)

  const ownTables = options.guard === 'own'
  const kernel = openKernel({ ...options, ownTables, measure: observer.commits })
  const chains = program({ ...options, podInterfacePrefix: HOST_INTERFACE_PREFIX, tunnel: TUNNEL })
  const guard = options.guard === 'off' ? undefined : openGuard({ ...options, kernel, chains })
  const found = await inspect(kernel.nftables, chains, kernel.dataplane.ownsTables)

  const enforcing = openEnforcer(options, found, {
    onInForce: observer.settle,
    onTold: (id, told) => noteTold(id, told, { records: pods.records, log }),
  })
  const { state, compiler, enforcer } = enforcing
  const tell = observer.events((change, revision) => enforcer.tell(change, revision))
  const source = openSource(options, tell, () => void network.update())
  const network = openNetwork(options, source, { enforcer, kernel })
  await source.synced

  const chained = options.chained ? openChainedNode(kernel, state, log) : undefined
  const pods = { ...(await openPods(options, kernel, source)), chain: chained?.chain }
  const taken = await takeOverPods(options, { pods, found, state, enforcer })
  const dataplane = await enforcer.begin(() => {
    const { ranges } = network
    const { lookUp } = source
    const parts = { kernel, chains, found, compiler, ipam: pods.ipam, chained, ranges, lookUp }
    return bringIntoForce(taken.kept, parts)
  })
  await guard?.begin(enforcer, found)
  const flows = openFlows({ ...options, ...enforcing, kernel, source })
  const host = await watchHost(() => kernel.hostProblems(dataplane.state), log)
  kernel.watchNetwork(() => network.check())
  await network.update()
  const reports = createReports({
    ...enforcing,
    node,
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

  const releasing = { ...pods, enforcement: enforcer }
  const tellReaping = (error: unknown): void =>
    log.error({ event: 'pods.reap', err: error }, 'links of deleted pods stay; it is tried again')
  const reaper = openReaper(releasing, tellReaping)
  const obstacle = () => obstacleOf(enforcer) ?? chained?.obstacle()
  const parts = { ...releasing, reaper, inTurn: createInTurn(), obstacle }
  const queue = await carryOutQueuedDeletions(options, createHandler(parts))
  handler.resolve(queue.handle)
  // Those whose DELs came while no agent ran have been gone for long.
  await reaper.reap().catch(tellReaping)
  const abandoned = releaseRegularly(parts, log)
  const http = await serveStatus(options, { ...reports, source, flows })
  const cniConfig = await announce(options)
  logReady(log, found, taken, reports.status())

  return {
    close: async () => {
      // First what acts by itself, then what serves others, then what both need.
      const acting = [queue, abandoned, guard, host, chained, cniConfig, source, flows]
      for (const one of acting) one?.close()
      await Promise.all([cni, ...http].map((server) => server.close()))
      await reaper.close()
      kernel.close()
    },
  }
}
