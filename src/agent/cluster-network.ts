import type { Logger } from 'pino'
import { type Ranges, rangesOf } from '../dataplane/ranges.ts'
import type { OverlayMode } from '../pods/nodes/choose-path.ts'
import type { NodeFacts } from '../pods/nodes/node-facts.ts'
import { type Address, blockOf, type Cidr, familyOf, ip4, ip6, widthOf } from '../policy/address.ts'
import type { Enforcer } from './enforcer.ts'
import type { Kernel } from './kernel.ts'
import type { ClusterNode } from './source.ts'

type Nodes = ReadonlyMap<string, ClusterNode>

export interface NetworkOptions {
  /** Name of this node. */
  readonly node: string
  /** Ranges of this node's pods; those of its Node object where none are given. */
  readonly podCidrs: readonly Cidr[]
  /** Of this node; those of its Node object where none are given. */
  readonly nodeAddresses: readonly Address[]
  readonly overlay: OverlayMode
  /** Whether what pods send out of the cluster comes from the node. */
  readonly masquerade: boolean
  /** Destinations outside the cluster that pods reach with their own addresses. */
  readonly unmasqueraded: readonly Cidr[]
}

export interface NetworkParts {
  readonly enforcer: Pick<Enforcer, 'alter'>
  readonly kernel: Pick<Kernel, 'connectNodes'>
  readonly nodes: () => Nodes
  readonly log: Logger
  readonly setTimer: (callback: () => void, delayMs: number) => void
}

/** Changes of links and routes come in swarms. */
const SETTLING_MS = 250
/** After what should not have failed. */
const RETRY_MS = 5000

/** Keeps this node's paths to others and its masquerading what the nodes of the cluster ask for. */
export class ClusterNetwork {
  readonly #options: NetworkOptions
  readonly #parts: NetworkParts
  #problems: readonly string[] = []
  #last: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #updateIsDue = false

  constructor(options: NetworkOptions, parts: NetworkParts) {
    this.#options = options
    this.#parts = parts
  }

  /** A sentence for all that cannot be had, such as the path to a node. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** What this node masquerades and where its tunnels end, by what the nodes are now. */
  get ranges(): Ranges {
    return clusterRanges(this.#parts.nodes(), this.#options)
  }

  /** To be called when nodes have changed, and once policy is in force. Never rejects. */
  update(): Promise<void> {
    // One that has not begun will find what is news now.
    if (this.#next !== undefined) return this.#next
    const next = this.#last.then(() => {
      this.#next = undefined
      return this.#bringIntoForce()
    })
    this.#next = next
    this.#last = next
    return next
  }

  /** To be called when links, addresses or routes of the node have changed: paths are chosen anew in a moment. */
  check(): void {
    this.#updateIn(SETTLING_MS)
  }

  #updateIn(delayMs: number): void {
    if (this.#updateIsDue) return
    this.#updateIsDue = true
    this.#parts.setTimer(() => {
      this.#updateIsDue = false
      void this.update()
    }, delayMs)
  }

  async #bringIntoForce(): Promise<void> {
    const { enforcer, nodes } = this.#parts
    try {
      let inForce = false
      await enforcer.alter(async (dataplane) => {
        inForce = true
        await dataplane.setRanges(this.ranges)
      })
      // Not in turn: pods and policies need not wait until a thousand nodes have been looked at.
      if (inForce) await this.#connect(clusterNodes(nodes(), this.#options))
    } catch (error) {
      this.#report([error instanceof Error ? error.message : String(error)])
      this.#updateIn(RETRY_MS)
    }
  }

  async #connect(all: readonly NodeFacts[]): Promise<void> {
    const { overlay, node: name } = this.#options
    const own = all.find((one) => one.name === name)
    // A Node object that is away for a moment takes no paths away.
    if (own === undefined && all.length > 0) return
    const self = own ?? { name, podCidrs: [], addresses: [] }
    const remotes = all.filter((one) => one !== own)
    this.#report(await this.#parts.kernel.connectNodes(self, remotes, overlay))
  }

  /** What lasts is told once. */
  #report(problems: readonly string[]): void {
    const news = problems.filter((problem) => !this.#problems.includes(problem))
    this.#problems = problems
    for (const problem of news) this.#parts.log.error({ event: 'node.unreachable' }, problem)
  }
}

/** What is not masqueraded where nothing is. */
const EVERYWHERE: readonly Cidr[] = [blockOf(ip4(0), 0), blockOf(ip6(0n), 0)]

/**
 * What this node's pods send to anything but pods, nodes and the destinations left out is masqueraded, and
 * tunnels begin and end at nodes; nothing of both where nodes are unknown.
 */
export function clusterRanges(nodes: Nodes, options: NetworkOptions): Ranges {
  const all = clusterNodes(nodes, options)
  const own = all.find(({ name }) => name === options.node)
  const cluster = all.flatMap((node) => [...node.podCidrs, ...addressBlocks(node)])
  const unmasqueraded =
    options.masquerade && own !== undefined ? [...cluster, ...options.unmasqueraded] : EVERYWHERE
  const tunnelEnds = options.overlay === 'never' ? [] : all.flatMap(addressBlocks)
  return rangesOf(own?.podCidrs ?? options.podCidrs, unmasqueraded, tunnelEnds)
}

function addressBlocks({ addresses }: NodeFacts): Cidr[] {
  return addresses.map((address) => blockOf(address, widthOf(familyOf(address))))
}

/** The nodes of the cluster, this one as its options have it. None where the source speaks of none. */
function clusterNodes(
  nodes: Nodes,
  { node, podCidrs, nodeAddresses }: NetworkOptions,
): readonly NodeFacts[] {
  return Array.from(nodes, ([name, facts]): NodeFacts => {
    if (name !== node) return { name, ...facts }
    return {
      name,
      podCidrs: podCidrs.length > 0 ? podCidrs : facts.podCidrs,
      addresses: nodeAddresses.length > 0 ? nodeAddresses : facts.addresses,
    }
  })
}
