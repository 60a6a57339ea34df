import { expect, vi } from 'vitest'
import { attach, detach, type Sandbox } from '../../../src/lab/shim.ts'
import type { LabNode } from '../../../src/lab/lab-node.ts'
import { attachmentIdOf } from '../../../src/pods/attachment.ts'
import { type Address, formatAddress } from '../../../src/policy/address.ts'
import { NewFlows } from '../new-flows.ts'
import { run } from '../node-kernel.ts'
import { type NodeState, nodeState } from '../node-state.ts'
import { addressesIn, addThrough, delThrough, type PluginList } from '../plugin-list.ts'
import { apps, ofFamily, policy, SHIM, SmallCluster } from '../small-cluster.ts'
import { until } from '../until.ts'
import { Injection } from './injection.ts'

/** What `Scene` compares: of the node, and of the namespace of the victim. */
type State = Readonly<Record<keyof NodeState | 'pod', readonly string[]>>

const FAMILIES = [4, 6] as const
const FRIEND_PORT = 5000
const FOE_PORT = 5001
const FLOW_EVERY_MS = 10
const PATIENCE_MS = 10_000

/**
 * A node whose agent meets faults while it works on one pod, the victim: pods `server`, `friend` and `foe` are
 * there all the time, and so are packets from the latter two to the first. The victim is added and deleted as
 * runtimes do it, as one container after the other in one namespace.
 */
export class Scene {
  readonly injection = new Injection()
  readonly cluster: SmallCluster
  readonly #network: ((node: LabNode) => PluginList) | undefined
  #flows: Record<'friend' | 'foe', readonly NewFlows[]> = { friend: [], foe: [] }
  #lastContainer = 0
  #clean: State | undefined
  #attached: Partial<State> | undefined

  /** @param network the chain of plugins that wires all pods, with sluice-cni the last; sluice-cni alone without */
  constructor(network?: (node: LabNode) => PluginList) {
    const chained = network && { network, flags: ['--chained'] }
    this.cluster = new SmallCluster(1, { sluice: this.injection.sluice, ...chained })
    this.#network = network
  }

  async open(): Promise<void> {
    const { cluster } = this
    await cluster.start()
    // Later ones find its compiled code, which one that is killed does not leave.
    await cluster.killAgent(cluster.node, 'SIGTERM')
    await cluster.startAgent(cluster.node)
    const server = policy('server', 'server', { ingress: [{ from: apps('friend') }] })
    const victim = policy('victim', 'victim', {
      ingress: [{ from: apps('friend'), ports: [{ port: 80 }] }],
      egress: [{ to: apps('server') }],
    })
    await cluster.enforce(server, victim)
    await cluster.add({ name: 'server' }, { name: 'friend' }, { name: 'foe' })
    await cluster.declare({ name: 'victim' })
    if (this.#network !== undefined) {
      // Else `bridge` waits for the detection of duplicates at each ADD.
      run(cluster.pod('victim').netns, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_dad=0')
    }
    this.#flows = { friend: this.#flowsFrom('friend'), foe: this.#flowsFrom('foe') }
    const clean = this.#state()
    this.#clean = clean
    const container = this.newContainer()
    const addresses = await this.add(container)
    // The node's end gets its link-local address a moment after it is up.
    await until('the link is up', () => this.#state().addresses.length > clean.addresses.length)
    this.#attached = this.#ours(container, addresses)
    await this.del(container)
    await this.expectClean()
  }

  async close(): Promise<void> {
    for (const flow of Object.values(this.#flows).flat()) flow.close()
    await this.cluster.stop()
    this.injection.close()
  }

  newContainer(): string {
    this.#lastContainer += 1
    return `victim-${this.#lastContainer}`
  }

  /** The victim as the runtime calls plugins for it. */
  sandbox(containerId: string): Sandbox {
    return { ...this.cluster.pod('victim').sandbox, containerId }
  }

  /** CNI ADD of the victim as this container, in a chain that of all plugins. Rejects with its error. */
  async add(container: string): Promise<readonly Address[]> {
    const list = this.#network?.(this.cluster.node)
    if (list === undefined) return await attach(this.#shim(), this.sandbox(container))
    return addressesIn(addThrough(list, this.cluster.node, this.sandbox(container)))
  }

  /** CNI DEL. Rejects with its error. */
  async del(container: string): Promise<void> {
    const list = this.#network?.(this.cluster.node)
    if (list === undefined) await detach(this.#shim(), this.sandbox(container))
    else delThrough(list, this.cluster.node, this.sandbox(container))
  }

  /** Once the agent has been struck dead: another one. */
  async revive(): Promise<void> {
    const { cluster } = this
    await cluster.killAgent(cluster.node)
    await cluster.startAgent(cluster.node)
  }

  /** Nothing of the victim is left, and everything of the others is there. */
  async expectClean(): Promise<void> {
    await vi.waitFor(() => expect(this.#state()).toEqual(this.#clean), POLLING)
  }

  /** Everything is as after an ADD that nothing befell. */
  async expectAttached(container: string, addresses: readonly Address[]): Promise<void> {
    const state = (): Partial<State> => this.#ours(container, addresses)
    await vi.waitFor(() => expect(state()).toEqual(this.#attached), POLLING)
  }

  /** Another container comes and goes, and nothing of it is left either. */
  async expectAnother(): Promise<void> {
    const next = this.newContainer()
    await this.expectAttached(next, await this.add(next))
    await this.del(next)
    await this.expectClean()
  }

  /** All packets of the friend have come to the server, and none of the foe. */
  async expectVerdicts(): Promise<void> {
    const { friend, foe } = this.#flows
    for (const flow of [...friend, ...foe]) flow.stop()
    await until('all of the friend arrived', () => friend.every((one) => one.arrived === one.sent))
    expect(Math.min(...[...friend, ...foe].map(({ sent }) => sent))).toBeGreaterThan(50)
    expect(foe.map(({ arrived }) => arrived)).toEqual([0, 0])
  }

  #flowsFrom(name: 'friend' | 'foe'): NewFlows[] {
    const [from, to] = [this.cluster.pod(name), this.cluster.pod('server')]
    const port = name === 'friend' ? FRIEND_PORT : FOE_PORT
    return FAMILIES.map((family) => {
      const end = ({ netns, addresses }: typeof from) => ({
        netns,
        address: ofFamily(addresses, family),
      })
      return new NewFlows(end(from), end(to), port, FLOW_EVERY_MS)
    })
  }

  #shim() {
    return { program: SHIM, runDir: this.cluster.node.runDir }
  }

  #state(): State {
    const { netns } = this.cluster.pod('victim')
    const inPod = run(netns, 'sh', '-ec', LISTING).split('\n').map(withoutChance)
    const links = inPod.filter((line) => line !== '' && !/^lo\b/u.test(line))
    return { ...nodeState(this.cluster.node), pod: links }
  }

  /** What is of our making. In a chain the pod's link and routes are not. */
  #ours(container: string, addresses: readonly Address[]): Partial<State> {
    const state = this.#withoutNames(container, addresses)
    if (this.#network === undefined) return state
    const { elements, records, queuedDeletions } = state
    return { elements, records, queuedDeletions }
  }

  /** Containers and addresses change from one ADD to the next. */
  #withoutNames(container: string, addresses: readonly Address[]): State {
    const id = attachmentIdOf({ containerId: container, ifName: 'eth0' })
    const names = [id, ...addresses.map(formatAddress)]
    const patterns = [
      ...names.map((name) => new RegExp(`(?<![\\w.:])${name}(?![\\w:]|\\.\\d)`, 'gu')),
      // Which other plugins draw.
      /(?<=: )(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/gu,
    ]
    const anonymous = (line: string): string =>
      patterns.reduce((text, pattern, place) => text.replaceAll(pattern, `<${place}>`), line)
    const state = this.#state()
    return {
      links: state.links.map(anonymous).toSorted(),
      addresses: state.addresses.map(anonymous).toSorted(),
      routes: state.routes.map(anonymous).toSorted(),
      neighbours: state.neighbours.map(anonymous).toSorted(),
      qdiscs: state.qdiscs.map(anonymous).toSorted(),
      elements: state.elements.map(anonymous).toSorted(),
      records: state.records.map(anonymous).toSorted(),
      queuedDeletions: state.queuedDeletions,
      pod: state.pod.map(anonymous),
    }
  }
}

/** In few processes: every step of an agent is followed by some looks. */
const LISTING = `
  printf '%s\\n' link address route neighbour | ip -o -batch -
  ip -o -6 route
`
const POLLING = { timeout: PATIENCE_MS, interval: 20 }

/** Without what is another for every link: its number, its hardware address, and what follows from that. */
function withoutChance(line: string): string {
  return line
    .replaceAll(/^\d+: /gu, '')
    .replaceAll(/@if\d+/gu, '')
    .replaceAll(/ (link\/ether|lladdr) [0-9a-f:]+/gu, '')
    .replaceAll(/fe80::[0-9a-f:]+(\/64)?/gu, 'fe80::…')
    .replaceAll(/ link-netnsid \d+/gu, '')
    .trimEnd()
}
