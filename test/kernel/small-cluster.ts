import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { askAgent } from '../../src/cli/ask-agent.ts'
import { revisionOf } from '../../src/cluster/directory.ts'
import { addressPlan, nodeAddresses, outsideGateways } from '../../src/lab/address-plan.ts'
import { AgentProcess } from '../../src/lab/agent-process.ts'
import type { LabNode } from '../../src/lab/lab-node.ts'
import { LAB_ROOTS, labPaths } from '../../src/lab/lab-paths.ts'
import { removeLab } from '../../src/lab/leftovers.ts'
import { claimLab } from '../../src/lab/owner.ts'
import { attach, detach, type Sandbox } from '../../src/lab/shim.ts'
import { buildTopology } from '../../src/lab/topology.ts'
import { createNamespace, deleteNamespace } from '../../src/netlink/native.ts'
import {
  type Address,
  type Cidr,
  type Family,
  familyOf,
  formatAddress,
} from '../../src/policy/address.ts'
import { SLUICE } from '../built-sluice.ts'
import { addressesIn, addThrough, delThrough, type PluginList } from './plugin-list.ts'

export interface TestPod {
  readonly name: string
  readonly node: LabNode
  readonly netns: string
  readonly sandbox: Sandbox
  /** Empty until it is attached. */
  readonly addresses: readonly Address[]
}

export interface PodPlan {
  readonly name: string
  /** Place in the list of nodes; the first without. */
  readonly on?: number
  /** What it asks for by capabilities of CNI. */
  readonly runtimeConfig?: object
}

export interface ClusterOptions {
  /** Of each node instead of the lab's. */
  readonly podCidrs?: readonly Cidr[]
  /** The program and its first arguments that run `sluice`. */
  readonly sluice?: readonly string[]
  /** More of the agents' command line. */
  readonly flags?: readonly string[]
  /** The network through whose plugins pods come and go; sluice-cni alone without. */
  readonly network?: (node: LabNode) => PluginList
}

const ROOT = join(import.meta.dirname, '../..')
/** The program that container runtimes run. */
export const SHIM = join(ROOT, 'native/build/sluice-cni')
const AGENT_TIMEOUT_MS = 20_000

/**
 * Nodes with real agents, wired as the lab wires them, whose pods and policies come and go one by one, and
 * whose agents may be killed. Every pod is in namespace `shop` with the one label `app: NAME`.
 */
export class SmallCluster {
  readonly nodes: readonly LabNode[]
  /** Path of the namespace behind the nodes. */
  readonly outside: string
  readonly #plan = addressPlan([4, 6])
  readonly #paths = labPaths(LAB_ROOTS, `t${randomBytes(3).toString('hex')}`)
  readonly #network: ClusterOptions['network']
  readonly #stopping = new AbortController()
  readonly #pods = new Map<string, TestPod>()
  /** What the manifests say of pods whose label is not their name; undefined: nothing at all. */
  readonly #told = new Map<string, string | undefined>()
  readonly #running = new Set<LabNode>()
  #policies: readonly object[] = []
  #lastUid = 0

  constructor(
    count: number,
    { podCidrs, sluice = SLUICE, flags = [], network }: ClusterOptions = {},
  ) {
    this.#network = network
    this.outside = this.#paths.netns('outside')
    this.nodes = Array.from({ length: count }, (_, place) =>
      this.#planNode(place, podCidrs, { sluice, flags }),
    )
  }

  /** One of node, pods and outside world whose packets are the subject of most tests. */
  get node(): LabNode {
    const [node] = this.nodes
    if (node === undefined) throw new Error('This cluster has no node.')
    return node
  }

  outsideAddress(family: Family): Address {
    return ofFamily(outsideGateways(this.#plan), family)
  }

  async start(): Promise<void> {
    await claimLab(LAB_ROOTS, this.#paths, process.pid)
    await fs.mkdir(LAB_ROOTS.netns, { recursive: true })
    buildTopology(this.#paths, this.nodes, this.#plan)
    await this.#write()
    await Promise.all(this.nodes.map((node) => this.startAgent(node)))
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await removeLab(LAB_ROOTS, this.#paths)
  }

  /** Resolves when it enforces what the manifests say. */
  async startAgent(node: LabNode): Promise<void> {
    await this.launchAgent(node)
    this.#running.add(node)
    await this.#followed([node])
  }

  /** Resolves when the process is there. */
  async launchAgent(node: LabNode): Promise<void> {
    await node.agent.start()
  }

  async killAgent(node: LabNode, signal?: NodeJS.Signals): Promise<void> {
    this.#running.delete(node)
    await node.agent.kill(signal)
  }

  pod(name: string): TestPod {
    const pod = this.#pods.get(name)
    if (pod === undefined) throw new Error(`There is no pod ${name}.`)
    return pod
  }

  /** Tells the agents of these pods, which have no network yet. */
  async declare(...plans: readonly PodPlan[]): Promise<void> {
    for (const { name, on = 0, runtimeConfig } of plans) {
      const node = this.nodes[on]
      if (node === undefined) throw new Error(`There is no node ${on}.`)
      const netns = this.#paths.netns(`pod-shop.${name}`)
      const uid = `${this.#paths.id}-${++this.#lastUid}`
      const sandbox = {
        containerId: uid,
        netns,
        namespace: 'shop',
        name,
        uid,
        ...(runtimeConfig && { runtimeConfig }),
      }
      createNamespace(netns)
      this.#pods.set(name, { name, node, netns, sandbox, addresses: [] })
    }
    await this.#store()
  }

  /** CNI ADD through the real shim. Rejects with its error. */
  async attach(name: string): Promise<TestPod> {
    const pod = this.pod(name)
    const list = this.#network?.(pod.node)
    const addresses =
      list === undefined
        ? await attach(shimOf(pod.node), pod.sandbox)
        : addressesIn(addThrough(list, pod.node, pod.sandbox))
    const attached = { ...pod, addresses }
    this.#pods.set(name, attached)
    return attached
  }

  /** Declares, attaches, and tells the agents of the addresses. */
  async add(...plans: readonly PodPlan[]): Promise<void> {
    await this.declare(...plans)
    await Promise.all(plans.map(({ name }) => this.attach(name)))
    await this.#store()
  }

  /** CNI DEL through the real shim. The pod itself stays. */
  async detach(name: string): Promise<void> {
    const pod = this.pod(name)
    const list = this.#network?.(pod.node)
    if (list === undefined) await detach(shimOf(pod.node), pod.sandbox)
    else delThrough(list, pod.node, pod.sandbox)
  }

  /** CNI DEL, and the pod goes; the agents are told so. */
  async remove(name: string): Promise<void> {
    await this.detach(name)
    deleteNamespace(this.pod(name).netns)
    this.#pods.delete(name)
    await this.#store()
  }

  /** What the manifests say from now on: another label, or nothing of the pod, whose containers run on. */
  async tell(name: string, app: string | undefined): Promise<void> {
    this.#told.set(name, app)
    await this.#store()
  }

  /** Resolves when all agents that run enforce these policies and no others. */
  async enforce(...policies: readonly object[]): Promise<void> {
    this.#policies = policies
    await this.#store()
  }

  /** Writes the policies without waiting for anyone. */
  async propose(...policies: readonly object[]): Promise<void> {
    this.#policies = policies
    await this.#write()
  }

  /** Every line that the agents of the node have logged. */
  async log(node: LabNode): Promise<Record<string, unknown>[]> {
    const text = await fs.readFile(join(node.runDir, 'agent.log'), 'utf8')
    return text.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []))
  }

  #planNode(
    place: number,
    podCidrs: readonly Cidr[] | undefined,
    command: { readonly sluice: readonly string[]; readonly flags: readonly string[] },
  ): LabNode {
    const planned = nodeAddresses(this.#plan, place)
    const node = {
      netns: this.#paths.netns(`node-n${place}`),
      runDir: this.#paths.nodeRunDir(place),
      addresses: { own: planned.own, podCidrs: podCidrs ?? planned.podCidrs },
    }
    const agent = new AgentProcess({
      ...node,
      node: `n${place}`,
      manifests: this.#paths.manifests,
      ...command,
      stopping: this.#stopping.signal,
    })
    return { ...node, name: `n${place}`, agent }
  }

  async #store(): Promise<void> {
    await this.#write()
    await this.#followed([...this.#running])
  }

  async #write(): Promise<void> {
    const { manifests } = this.#paths
    const pods = [...this.#pods.values()].flatMap((pod) => {
      const app = this.#told.has(pod.name) ? this.#told.get(pod.name) : pod.name
      return app === undefined ? [] : [podObject(pod, app)]
    })
    const objects = [...this.#policies, ...pods]
    const text = objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('')
    await fs.writeFile(join(manifests, 'objects.new'), text)
    await fs.rename(join(manifests, 'objects.new'), join(manifests, 'objects.yaml'))
  }

  async #followed(nodes: readonly LabNode[]): Promise<void> {
    const revision = await revisionOf(this.#paths.manifests, fs)
    await Promise.all(nodes.map(({ agent }) => agent.untilRevision(revision, AGENT_TIMEOUT_MS)))
  }
}

/** A policy of namespace `shop` for the pods of one app, or of all. */
export function policy(name: string, app: string | undefined, rules: object): object {
  const podSelector = app === undefined ? {} : { matchLabels: { app } }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'shop', name },
    spec: { podSelector, ...rules },
  }
}

/** Pods of these apps. */
export function apps(...names: readonly string[]): object[] {
  return names.map((app) => ({ podSelector: { matchLabels: { app } } }))
}

export function ofFamily(addresses: readonly Address[], family: Family): Address {
  const found = addresses.find((address) => familyOf(address) === family)
  if (found === undefined) throw new Error(`There is no address of IPv${family}.`)
  return found
}

/** What the agent of a node says of itself. */
export async function statusOf({ runDir }: LabNode): Promise<Record<string, unknown>> {
  return JSON.parse(await askAgent(join(runDir, 'agent.sock'), '/status'))
}

function shimOf({ runDir }: LabNode) {
  return { program: SHIM, runDir }
}

function podObject({ name, node, sandbox, addresses }: TestPod, app: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name, uid: sandbox.uid, labels: { app } },
    spec: { nodeName: node.name, containers: [{ name: 'main', image: 'none' }] },
    status: { podIPs: addresses.map((address) => ({ ip: formatAddress(address) })) },
  }
}
