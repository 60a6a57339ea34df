import { familyOf } from '../../policy/address.ts'
import type { OverlayMode } from './choose-path.ts'
import type { NodeFacts } from './node-facts.ts'
import { planNetwork } from './plan-network.ts'
import { readFacts } from './read-facts.ts'
import { setNodeRoutes } from './set-node-routes.ts'
import { setOverlayEntries } from './set-overlay-entries.ts'
import { type OverlayParts, removeOverlayLinks, setOverlayLinks } from './set-overlay-links.ts'
import { setOverlayRules } from './set-overlay-rules.ts'

export interface ConnectParts extends OverlayParts {
  readonly yieldToOthers: () => Promise<unknown>
}

/**
 * Brings what leads to the pods of other nodes into the kernel: direct routes to nodes on a common link, the
 * overlay to the rest. What leads to nodes that have gone goes. Whatever is not ours is never touched.
 *
 * May be repeated at any time, one after the other: it does what is left to do.
 *
 * @returns a sentence for all that cannot be had
 */
export async function connectNodes(
  own: NodeFacts,
  remotes: readonly NodeFacts[],
  mode: OverlayMode,
  parts: ConnectParts,
): Promise<string[]> {
  const plan = planNetwork(own, remotes, mode, await readFacts(remotes, parts))
  const families = new Set(own.podCidrs.map(({ first }) => familyOf(first)))
  const { indices, problems } = setOverlayLinks(plan.links, families, parts)
  const present = <T extends { readonly link: number | string }>(items: readonly T[]) =>
    items.flatMap((item) => {
      const index = typeof item.link === 'number' ? item.link : indices.get(item.link)
      return index === undefined
        ? []
        : [{ ...item, link: index, index, onlink: item.link !== index }]
    })
  const entries = {
    neighbours: present(plan.neighbours),
    forwarding: present(plan.forwarding),
  }
  await setOverlayEntries(entries, [...indices.values()], parts)
  const routeProblems = await setNodeRoutes(present(plan.routes), parts)
  setOverlayRules(plan.rules, parts.socket)
  removeOverlayLinks(new Set(plan.links.map(({ name }) => name)), parts.socket)
  return [...plan.problems, ...problems, ...routeProblems]
}
