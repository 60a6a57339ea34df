import nodeFs from 'node:fs'
import nodeFsPromises from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { Enforcer } from './agent/enforcer.ts'
import { openKernel } from './agent/kernel.ts'
import { serveStatus } from './agent/status.ts'
import { drainDelQueue } from './cni/del-queue.ts'
import { createInTurn } from './cni/in-turn.ts'
import { serveCni } from './cni/server.ts'
import { createHandler } from './cni/verbs.ts'
import { MANIFEST_KINDS, type Manifests, readManifests } from './cluster/manifests.ts'
import { problemText } from './cluster/problem.ts'
import { ClusterState } from './cluster/state.ts'
import { watchFiles } from './cluster/watch-files.ts'
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
  /** NFLOG group of denied packets. */
  readonly logGroup: number
  /** Of pod links, in bytes. */
  readonly mtu: number
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
 * @throws when the run directory, the manifests or the kernel cannot be used; nothing has changed then but
 *   what was left by an agent before
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, runDirectory } = options
  if (options.netns !== undefined) enterNamespace(options.netns)
  const kernel = openKernel(options)
  const source = await openManifests(options)

  const records = new Records({
    directory: join(runDirectory, 'pods'),
    files: nodeFs,
    report: (problem) => log.warn({ event: 'record.foreign' }, problem),
  })
  const ipam = new Ipam({ ranges: options.podCidrs, cooldownMs: COOLDOWN_MS, now: Date.now })
  const cniParts = { ipam, records, wiring: kernel.wiring, now: Date.now }
  // Nothing of a pod that went while no agent ran is in our intent, so there is nothing to take out of it.
  const nobody = { detach: () => Promise.resolve() }
  const { kept, released, deleted } = await takeOver({ ...cniParts, enforcement: nobody })

  const state = new ClusterState()
  const events = [
    ...kept.flatMap((record) => state.attach(attachmentOf(record, options.node)).events),
    ...state.replace(MANIFEST_KINDS, source.first.changes),
  ]
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
    locals: new Map(kept.flatMap((record) => localsOf(record))),
  })
  const revocation = kernel.revocation(() => dataplane.tables())
  revocation.sweep('all')
  const enforcer = new Enforcer(
    {
      node: options.node,
      state,
      compiler,
      dataplane,
      revocation,
      onRefused: (error) => log.error({ event: 'commit.refused', err: error }, error.message),
      setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    },
    source.first.revision,
  )
  source.onManifests((manifests) => void enforcer.setManifests(manifests))

  const handle = createHandler({ ...cniParts, enforcement: enforcer, inTurn: createInTurn() })
  const cni = await serveCni({
    path: join(runDirectory, 'cni.sock'),
    handle,
    clientTimeoutMs: CLIENT_TIMEOUT_MS,
    files: nodeFsPromises,
  })
  const drain = (): Promise<number> =>
    drainDelQueue({
      directory: join(runDirectory, 'del'),
      handle,
      files: nodeFsPromises,
      report: (problem) => log.warn({ event: 'del.queued' }, problem),
    })
  await drain()
  const drainTimer = setInterval(() => {
    drain().catch((error: unknown) => log.warn({ event: 'del.queue', err: error }))
  }, DRAIN_EVERY_MS)
  const status = await serveStatus(join(runDirectory, 'agent.sock'), () => ({
    node: options.node,
    ready: true,
    revision: enforcer.revision ?? null,
    refused: state.refused,
    commitRefused: enforcer.refusal?.message ?? null,
    ...compiler.stats(),
  }))
  log.info(
    {
      event: 'agent.ready',
      node: options.node,
      table: found.state === undefined ? 'installed' : 'adopted',
      ...(found.obstacle !== undefined && { replaced: found.obstacle }),
      kept: kept.length,
      released: released.length,
      deleted: deleted.length,
      ...compiler.stats(),
    },
    'the policies of this node are in force',
  )
  return {
    close: async () => {
      clearInterval(drainTimer)
      source.close()
      await Promise.all([cni.close(), status.close()])
      kernel.close()
    },
  }
}

interface ManifestSource {
  readonly first: Manifests
  /** Calls back with every later content. */
  onManifests(listener: (manifests: Manifests) => void): void
  close(): void
}

/** Resolves with the first content; until the directory can be read, it waits and says so. */
function openManifests({ manifests: directory, node, log }: AgentOptions): Promise<ManifestSource> {
  let previous: Manifests | undefined
  let listener: ((manifests: Manifests) => void) | undefined
  return new Promise((resolve) => {
    const system = { fs: nodeFsPromises, watch: nodeFs.watch, setTimeout, clearTimeout }
    const watch = watchFiles(directory, system, {
      onManifests: (files) => {
        const manifests = readManifests(files, { nodes: [node], previous })
        const isFirst = previous === undefined
        previous = manifests
        logProblems(manifests, log)
        if (!isFirst) return listener?.(manifests)
        resolve({
          first: manifests,
          onManifests: (later) => {
            listener = later
          },
          close: () => watch.close(),
        })
      },
      onError: (error) => log.error({ event: 'manifests.unreadable', err: error }, error.message),
    })
  })
}

function logProblems({ problems, revision }: Manifests, log: Logger): void {
  for (const problem of problems) {
    const level = problem.severity === 'error' ? 'error' : 'warn'
    log[level]({ event: 'manifest.problem', revision }, problemText(problem))
  }
}

function attachmentOf({ pod, hostInterface, addresses }: PodRecord, node: string) {
  return { id: hostInterface, ...pod, node, addresses }
}

function localsOf({ addresses, hostInterface }: PodRecord): [Address, string][] {
  return addresses.map((address) => [address, hostInterface])
}
