import nodeFs from 'node:fs'
import nodeFsPromises from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { Enforcer } from './agent/enforcer.ts'
import { type Kernel, openKernel } from './agent/kernel.ts'
import { openManifestSource } from './agent/manifest-source.ts'
import { writeCniConfig } from './agent/cni-config-file.ts'
import type { AgentStatus } from './agent/agent-status.ts'
import { metricsText } from './agent/metrics.ts'
import {
  type HttpAnswer,
  type HttpServer,
  json,
  type Routes,
  serveHttp,
} from './agent/serve-http.ts'
import { drainDelQueue } from './cni/del-queue.ts'
import { createInTurn } from './cni/in-turn.ts'
import { type CniServer, serveCni } from './cni/server.ts'
import { type CniHandler, createHandler } from './cni/verbs.ts'
import { MANIFEST_KINDS, type Manifests } from './cluster/manifests.ts'
import { ClusterState } from './cluster/state.ts'
import { establish } from './dataplane/establish.ts'
import { inspect } from './dataplane/inspect.ts'
import { highestClass } from './dataplane/kernel-state.ts'
import { program } from './dataplane/program.ts'
import { enterNamespace } from './netlink/native.ts'
import { HOST_INTERFACE_PREFIX } from './pods/attachment.ts'
import { Ipam } from './pods/ipam.ts'
import type { PodRecord } from './pods/record.ts'
import { Records } from './pods/records.ts'
import { takeOver } from './pods/take-over.ts'
import type { Address, Cidr } from './policy/address.ts'
import { Compiler } from './policy/compile.ts'

export interface AgentOptions {
  readonly node: string
  /** Directory of manifests: the source of truth, watched. */
  readonly manifests: string
  /** Ranges of this node's pods. */
  readonly podCidrs: readonly Cidr[]
  /** At most one a family: the source of what the node sends to its pods. */
  readonly nodeAddresses: readonly Address[]
  /** Sockets, records and queued deletions, on tmpfs. */
  readonly runDirectory: string
  /** The network namespace to be the agent of; its own without. */
  readonly netns: string | undefined
  readonly deny: 'drop' | 'reject'
  /** What a pod gets that nobody has told of, in a namespace with policies. */
  readonly unknownPods: 'isolate' | 'refuse'
  /** NFLOG group of denied packets. */
  readonly logGroup: number
  /** Of pod links, in bytes. */
  readonly mtu: number
  /** Port of localhost for health, readiness and metrics; none without. */
  readonly httpPort: number | undefined
  /** The file that makes the container runtime call us, written last; none without. */
  readonly cniConfig: string | undefined
  readonly log: Logger
}

export interface Agent {
  /** Stops serving. What is in the kernel stays in force. */
  close(): Promise<void>
}

/** How long an address rests before another pod gets it. */
const COOLDOWN_MS = 60_000
/** A shim may have found the socket closed just before, and leave its file just after. */
const DRAIN_EVERY_MS = 10_000
const CLIENT_TIMEOUT_MS = 10_000

/**
 * The agent of one node: takes over what an earlier one left, brings policy into the kernel, answers the CNI.
 *
 * @throws when another agent serves the run directory, or when that, the manifests or the kernel cannot be used
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log } = options
  if (options.netns !== undefined) enterNamespace(options.netns)
  const kernel = openKernel(options)
  // Before anything is changed: there is one agent. Requests wait until it is ready.
  const handler = Promise.withResolvers<CniHandler>()
  const cni = await serve(options, async (request) => (await handler.promise)(request))
  const source = await openManifestSource(options)

  const pods = openPods(options, kernel)
  // Nothing of a pod that went while no agent ran is in our intent: there is nothing to take out of it.
  const nobody = { detach: () => Promise.resolve() }
  const { kept, released, deleted } = await takeOver({ ...pods, enforcement: nobody })
  const inForce = await bringIntoForce(options, kernel, kept, source.first)
  const { enforcer, found } = inForce
  source.onManifests((manifests) => void enforcer.setManifests(manifests))

  const handle = createHandler({ ...pods, enforcement: enforcer, inTurn: createInTurn() })
  handler.resolve(handle)
  const queue = await drainRegularly(options, handle)
  const http = await serveStatus(options, inForce.status)
  if (options.cniConfig !== undefined) await writeCniConfig(options.cniConfig)
  log.info(
    {
      event: 'agent.ready',
      table: found.state === undefined ? 'installed' : 'adopted',
      replaced: found.obstacle,
      kept: kept.length,
      released: released.length,
      deleted: deleted.length,
      ...inForce.status(),
    },
    'the policies of this node are in force',
  )
  return {
    close: async () => {
      queue.close()
      source.close()
      await Promise.all([cni.close(), ...http.map((server) => server.close())])
      kernel.close()
    },
  }
}

function serve({ runDirectory }: AgentOptions, handle: CniHandler): Promise<CniServer> {
  return serveCni({
    path: join(runDirectory, 'cni.sock'),
    handle,
    clientTimeoutMs: CLIENT_TIMEOUT_MS,
    files: nodeFsPromises,
  })
}

/** Records, addresses and links of the pods of this node. */
function openPods({ podCidrs, runDirectory, log }: AgentOptions, { wiring }: Kernel) {
  const records = new Records({
    directory: join(runDirectory, 'pods'),
    files: nodeFs,
    report: (problem) => log.warn({ event: 'record.foreign' }, problem),
  })
  const ipam = new Ipam({ ranges: podCidrs, cooldownMs: COOLDOWN_MS, now: Date.now })
  return { records, ipam, wiring, now: Date.now }
}

/** Compiles what is known, and has the kernel enforce that instead of whatever it enforced before. */
async function bringIntoForce(
  options: AgentOptions,
  kernel: Kernel,
  kept: readonly PodRecord[],
  manifests: Manifests,
) {
  const { node, log } = options
  const state = new ClusterState()
  const attached = kept.flatMap(({ pod, hostInterface: id, addresses }) => [
    ...state.attach({ id, ...pod, node, addresses }).events,
  ])
  const events = [...attached, ...state.replace(MANIFEST_KINDS, manifests.changes)]
  const chains = program({ ...options, podInterfacePrefix: HOST_INTERFACE_PREFIX })
  const found = await inspect(kernel.nftables, chains)
  const compiler = new Compiler(
    found.state && {
      firstClass: highestClass(found.state) + 1,
      portSetIds: found.state.portSets,
    },
  )
  compiler.apply(events)
  const dataplane = await establish(kernel.dataplane, chains, found, {
    tables: compiler.tables(),
    locals: new Map(kept.flatMap(localsOf)),
  })
  const revocation = await kernel.revocation(() => dataplane.tables())
  revocation.sweep('all')
  const enforcer = new Enforcer(
    {
      node,
      state,
      compiler,
      dataplane,
      revocation,
      lookUp: undefined,
      unknownPods: options.unknownPods,
      onRefused: (error) => log.error({ event: 'commit.refused', err: error }, error.message),
      setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    },
    manifests.revision,
  )
  const status = (): AgentStatus => ({
    node,
    ready: true,
    revision: enforcer.revision ?? null,
    invalid: state.refused,
    commitRefused: enforcer.refusal?.message ?? null,
    pods: new Set(dataplane.state.locals.values()).size,
    packets: kernel.packetCounters(),
    revokedConnections: kernel.revokedConnections(),
    ...compiler.stats(),
  })
  return { enforcer, found, status }
}

function localsOf({ addresses, hostInterface }: PodRecord): [Address, string][] {
  return addresses.map((address) => [address, hostInterface])
}

/** What the agent says of itself: to root by a socket, to probes and Prometheus by a port of localhost. */
async function serveStatus(
  { runDirectory, httpPort }: AgentOptions,
  status: () => AgentStatus,
): Promise<readonly HttpServer[]> {
  const plain = (code: number, text: string): HttpAnswer => {
    return { status: code, contentType: 'text/plain; charset=utf-8', body: `${text}\n` }
  }
  const probes: Routes = {
    '/healthz': () => plain(200, 'ok'),
    '/readyz': () => {
      const { commitRefused } = status()
      return commitRefused === null ? plain(200, 'ok') : plain(503, commitRefused)
    },
    '/metrics': () => ({
      status: 200,
      contentType: 'text/plain; version=0.0.4',
      body: metricsText(status()),
    }),
  }
  const path = join(runDirectory, 'agent.sock')
  const servers = [serveHttp({ path }, { '/status': () => json(status()), ...probes })]
  if (httpPort !== undefined) servers.push(serveHttp({ host: '127.0.0.1', port: httpPort }, probes))
  return Promise.all(servers)
}

/** DELs that came while no agent ran, now and again. */
async function drainRegularly(
  { runDirectory, log }: AgentOptions,
  handle: CniHandler,
): Promise<{ close: () => void }> {
  const drain = async (): Promise<void> => {
    try {
      await drainDelQueue({
        directory: join(runDirectory, 'del'),
        handle,
        files: nodeFsPromises,
        report: (problem) => log.warn({ event: 'del.queued' }, problem),
      })
    } catch (error) {
      log.warn({ event: 'del.unreadable', err: error }, 'queued deletions cannot be read')
    }
  }
  await drain()
  const timer = setInterval(() => void drain(), DRAIN_EVERY_MS)
  return { close: () => clearInterval(timer) }
}
