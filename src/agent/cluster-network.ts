import type { Logger } from 'pino'
import { type Ranges, rangesOf } from '../dataplane/ranges.ts'
import type { RemoteNode } from '../pods/node-routes.ts'
import { blockOf, familyOf, widthOf } from '../policy/address.ts'
import type { Enforcer } from './enforcer.ts'
import type { Kernel } from './kernel.ts'
import type { ClusterNode } from './source.ts'

type Nodes = ReadonlyMap<string, ClusterNode>

/** Keeps this node's routes and masquerading what the nodes of the cluster ask for. */
export class ClusterNetwork {
  readonly #node: string
  readonly #log: Logger
  readonly #enforcer: Pick<Enforcer, 'alter'>
  readonly #kernel: Pick<Kernel, 'setNodeRoutes'>
  readonly #nodes: () => Nodes
  #problems: readonly string[] = []

  constructor(
    { node, log }: { readonly node: string; readonly log: Logger },
    enforcer: Pick<Enforcer, 'alter'>,
    kernel: Pick<Kernel, 'setNodeRoutes'>,
    nodes: () => Nodes,
  ) {
    this.#node = node
    this.#log = log
    this.#enforcer = enforcer
    this.#kernel = kernel
    this.#nodes = nodes
  }

  /** A sentence for each node whose pods cannot be reached. */
  get problems(): readonly string[] {
    return this.#problems
  }

  /** To be called when nodes have changed, and once policy is in force. Never rejects. */
  async update(): Promise<void> {
    try {
      await this.#enforcer.alter(async (dataplane) => {
        const nodes = this.#nodes()
        await dataplane.setRanges(masqueradedRanges(nodes, this.#node))
        const all = Array.from(nodes, ([name, facts]): RemoteNode => ({ name, ...facts }))
        this.#report(this.#kernel.setNodeRoutes(all.filter(({ name }) => name !== this.#node)))
      })
    } catch (error) {
      this.#report([error instanceof Error ? error.message : String(error)])
    }
  }

  #report(problems: readonly string[]): void {
    this.#problems = problems
    for (const problem of problems) this.#log.error({ event: 'node.unreachable' }, problem)
  }
}

/** What this node's pods send to anything but pods and nodes is masqueraded; nothing where nodes are unknown. */
export function masqueradedRanges(nodes: Nodes, node: string): Ranges {
  const cluster = [...nodes.values()].flatMap(({ podCidrs, addresses }) => [
    ...podCidrs,
    ...addresses.map((address) => blockOf(address, widthOf(familyOf(address)))),
  ])
  return rangesOf(nodes.get(node)?.podCidrs ?? [], cluster)
}
