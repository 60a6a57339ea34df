import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { revisionOf } from '../cluster/directory.ts'
import { readManifestFiles } from '../cluster/files.ts'
import { MANIFEST_KINDS, type Manifests, readManifests } from '../cluster/manifests.ts'
import { ClusterState } from '../cluster/state.ts'
import { createNamespace, deleteNamespace } from '../netlink/native.ts'
import type { Address } from '../policy/address.ts'
import type { ObjectKey } from '../policy/model.ts'
import type { AddressPlan } from './address-plan.ts'
import { inParallel } from './in-parallel.ts'
import { judgeOf } from './judge.ts'
import { keepServices } from './kept-services.ts'
import { type LabNode, planNodes } from './lab-node.ts'
import { type LabPaths, labPaths, type LabRoots } from './lab-paths.ts'
import { type LabPod, placeOf, placeOfNode, servicesOf } from './lab-pod.ts'
import { removeLab } from './leftovers.ts'
import { OutsideWorld } from './outside-world.ts'
import { claimLab, keepLab } from './owner.ts'
import { Place } from './place.ts'
import { planProbes } from './plan-probes.ts'
import { planPods } from './plan-pods.ts'
import type { StreamEnd } from './place-messages.ts'
import type { Probe, ProbePacket } from './probe.ts'
import { knockOf, type ProbeRun, runProbes } from './run-probes.ts'
import { attach, detach, type Sandbox, type Shim } from './shim.ts'
import { storedObjects } from './stored-objects.ts'
import { buildTopology } from './topology.ts'

export interface LabOptions {
  /** A word without hyphen; unique on the machine. */
  readonly id: string
  readonly nodes: readonly string[]
  readonly plan: AddressPlan
}

/** What a lab needs of the machine. */
export interface LabHost {
  readonly roots: LabRoots
  /** The process that the lab shall live as long as. */
  readonly pid: number
  /** The program and its first arguments that run `sluice`. */
  readonly sluice: readonly string[]
  /** Path of `sluice-cni`. */
  readonly shim: string
  /** Told what happens, a line at a time. */
  readonly progress: (line: string) => void
}

/** How long an agent may take to start and to bring manifests into the kernel. */
const AGENT_TIMEOUT_MS = 30_000
const ATTACHING_AT_ONCE = 8
const STREAM_TIMEOUT_MS = 3000

/**
 * A cluster on this machine: nodes and pods are network namespaces, each node has a real agent, each pod is
 * attached through the real `sluice-cni`. The lab itself stands in for the API server and the kubelets.
 */
export class Lab {
  readonly #host: LabHost
  readonly #paths: LabPaths
  readonly #plan: AddressPlan
  readonly #nodes: readonly LabNode[]
  readonly #outside: OutsideWorld
  readonly #state = new ClusterState()
  readonly #places = new Map<string, Place>()
  readonly #stopping = new AbortController()
  #lastUid = 0
  #pods = new Map<ObjectKey, LabPod>()

  constructor(options: LabOptions, host: LabHost) {
    this.#host = host
    this.#paths = labPaths(host.roots, options.id)
    this.#plan = options.plan
    this.#nodes = planNodes(options.nodes, options.plan, this.#paths, {
      sluice: host.sluice,
      stopping: this.#stopping.signal,
    })
    this.#outside = new OutsideWorld(this.#paths.netns('outside'), options.plan)
  }

  /** Running pods. */
  get pods(): readonly LabPod[] {
    return [...this.#pods.values()]
  }

  get nodes(): readonly LabNode[] {
    return this.#nodes
  }

  /** Builds the network and starts the agents. What it has made when it fails, `stop` removes. */
  async start(): Promise<void> {
    const { roots, pid, progress } = this.#host
    await claimLab(roots, this.#paths, pid)
    await fs.mkdir(roots.netns, { recursive: true })
    this.#stopping.signal.throwIfAborted()
    buildTopology(this.#paths, this.#nodes, this.#plan)
    const changes = this.#nodes.map(({ name, addresses }) => {
      return { kind: 'node', name, addresses: addresses.own } as const
    })
    this.#state.apply(changes)
    await Promise.all(this.#nodes.map(({ agent }) => agent.start()))
    progress(`Lab ${this.#paths.id}: ${this.#nodes.map(({ name }) => name).join(', ')}`)
  }

  /**
   * Makes the cluster what the manifests say: pods come and go, and every agent has put the policies into the
   * kernel when it resolves. Rejects with a sentence when a pod cannot run or an agent does not follow.
   */
  async apply(manifests: Manifests): Promise<void> {
    const planned = planPods(manifests.pods, {
      nodes: this.#nodes,
      paths: this.#paths,
      running: this.#pods,
      newUid: () => `${this.#paths.id}-${++this.#lastUid}`,
    })
    const uids = new Set(planned.map(({ uid }) => uid))
    await this.#detach(this.pods.filter(({ uid }) => !uids.has(uid)))
    this.#pods = new Map(planned.map((pod) => [pod.key, pod]))
    await this.#store(manifests)
    const fresh = planned.filter(({ addresses }) => addresses.length === 0)
    await this.#attach(fresh)
    // The API server knows the addresses of pods only now.
    if (fresh.length > 0) await this.#store(manifests)
    this.#host.progress(`${this.#pods.size} pods run`)
    await Promise.all(
      this.pods.map((pod) => this.#place(placeOf(pod), pod.netns).listen(servicesOf(pod))),
    )
  }

  /**
   * Sends probes, and holds what they find against evaluator and compiler. Rejects with a sentence when a probe
   * names what there is not.
   */
  async probe(probes: readonly Probe[]): Promise<ProbeRun> {
    const packets = this.#planPackets(probes)
    this.#host.progress(`Probing: ${packets.length} packets`)
    return runProbes(packets, this.#places, judgeOf(this.#state.cluster))
  }

  /**
   * Opens a TCP connection between two pods that echoes a byte every few milliseconds, until something ends it.
   * Rejects when it cannot be had.
   */
  async openStream(probe: Probe): Promise<{ readonly end: Promise<StreamEnd> }> {
    const [packet] = this.#planPackets([probe])
    if (packet === undefined) throw new Error(`${probe.from} and ${probe.to} are not in this lab.`)
    const place = this.#places.get(packet.source.place)
    if (place === undefined) throw new Error(`${probe.from} does not run.`)
    await place.openStream(knockOf(packet, STREAM_TIMEOUT_MS))
    return { end: place.streamEnd() }
  }

  /** Waits until every agent, also one started anew, enforces what was applied last. */
  async settle(): Promise<void> {
    const revision = await revisionOf(this.#paths.manifests, fs)
    await Promise.all(
      this.#nodes.map(({ agent }) => agent.untilRevision(revision, AGENT_TIMEOUT_MS)),
    )
  }

  /** Removes everything. May be called at any time, and again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#places.values()].map((place) => place.close()))
    await removeLab(this.#host.roots, this.#paths)
  }

  /** Lets the lab go on without this process, until `sluice lab down`. */
  async keep(): Promise<void> {
    await Promise.all([...this.#places.values()].map((place) => place.close()))
    const services = this.pods.map((pod) => {
      return { name: placeOf(pod), netns: pod.netns, services: servicesOf(pod) }
    })
    await keepServices(this.#paths, services, this.#host.sluice)
    await keepLab(this.#paths)
    for (const { agent } of this.#nodes) agent.release()
  }

  async #attach(pods: readonly LabPod[]): Promise<void> {
    await inParallel(pods, ATTACHING_AT_ONCE, async (pod) => {
      this.#stopping.signal.throwIfAborted()
      createNamespace(pod.netns)
      // Its thread starts while the pod is attached.
      this.#place(placeOf(pod), pod.netns)
      const addresses = await attach(this.#shimOf(pod), sandboxOf(pod))
      this.#pods.set(pod.key, { ...pod, addresses })
    })
  }

  async #detach(pods: readonly LabPod[]): Promise<void> {
    await inParallel(pods, ATTACHING_AT_ONCE, async (pod) => {
      if (pod.hostNetwork) return
      await detach(this.#shimOf(pod), sandboxOf(pod))
      await this.#places.get(pod.key)?.close()
      this.#places.delete(pod.key)
      deleteNamespace(pod.netns)
    })
  }

  /** Hands the objects to the agents, and waits until each has them in the kernel. */
  async #store(manifests: Manifests): Promise<void> {
    const directory = this.#paths.manifests
    const draft = join(directory, 'objects.new')
    await fs.writeFile(draft, storedObjects(manifests, this.pods))
    await fs.rename(draft, join(directory, 'objects.yaml'))
    const nodes = this.#nodes.map(({ name }) => name)
    const stored = readManifests(await readManifestFiles(directory, fs), { nodes })
    this.#state.replace(MANIFEST_KINDS, stored.changes)
    await this.settle()
  }

  #shimOf(pod: LabPod): Shim {
    const node = this.#nodes.find(({ name }) => name === pod.node)
    if (node === undefined) throw new Error(`The lab has no node ${pod.node}.`)
    return { program: this.#host.shim, runDir: node.runDir }
  }

  #planPackets(probes: readonly Probe[]): ProbePacket[] {
    const placeAt = (address: Address) => this.#placeAt(address)
    return planProbes(probes, { pods: this.pods, placeAt, placeOf })
  }

  #placeAt(address: Address): string {
    const pod = this.pods.find(({ addresses }) => addresses.includes(address))
    if (pod !== undefined) return placeOf(pod)
    const node = this.#nodes.find(({ addresses }) => addresses.own.includes(address))
    const name = node === undefined ? 'outside' : placeOfNode(node.name)
    if (node === undefined) this.#outside.admit(address)
    this.#place(name, node?.netns ?? this.#outside.netns)
    return name
  }

  #place(name: string, netns: string): Place {
    const place = this.#places.get(name) ?? new Place({ name, netns })
    this.#places.set(name, place)
    return place
  }
}

function sandboxOf({ key, uid, netns }: LabPod): Sandbox {
  const [namespace = '', name = ''] = key.split('/')
  return { containerId: uid, netns, namespace, name, uid }
}
