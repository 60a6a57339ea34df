import { type Address, type Cidr, type Family, familyOf, formatCidr } from '../../policy/address.ts'
import { choosePath, type OverlayMode, type Path, type Reach } from './choose-path.ts'
import { addressOf, type NodeFacts } from './node-facts.ts'
import { OVERLAYS } from './overlays.ts'
import { type PlannedLink, planLink } from './plan-link.ts'
import { type OverlayEntries, planOverlayEntries } from './plan-overlay-entries.ts'
import { vtepMac } from './vtep-mac.ts'

/** What of the kernel the plan depends on. */
export interface NetworkFacts {
  readonly reach: (address: Address) => Reach
  /** MTU, in bytes, of the link that has this address of the node; undefined when none has it. */
  readonly mtuOf: (address: Address) => number | undefined
}

/** A route to pods of another node or, in a table of its own, to the node itself. */
export interface PlannedRoute {
  /** The node that it leads to. */
  readonly node: string
  readonly destination: Cidr
  readonly gateway: Address
  /** An index, or the name of a planned link. */
  readonly link: number | string
  /** What the node itself sends has this source. */
  readonly source?: Address | undefined
  /** The main table without. */
  readonly table?: number
}

/** All that leads from this node to the pods of others. */
export interface NetworkPlan extends OverlayEntries {
  readonly links: readonly PlannedLink[]
  /** A sentence for each range that cannot be reached. */
  readonly problems: readonly string[]
}

/**
 * The plan of one node. Pure: the same nodes and facts give the same plan, whatever was before.
 *
 * Each range is reached by one path. What the node itself sends to pods leaves with the node's address,
 * tunnelled or not, so that policy there sees a pod of the host's network as its node.
 */
export function planNetwork(
  own: NodeFacts,
  remotes: readonly NodeFacts[],
  mode: OverlayMode,
  facts: NetworkFacts,
): NetworkPlan {
  const claims = claimsOf(own, remotes)
  const chosen = claims.accepted.map(({ remote, range }): Chosen => {
    const path = choosePath(familyOf(range.first), { own, remote }, mode, facts.reach)
    return { remote, range, path }
  })
  const overlaid = chosen.flatMap(overlaidOf)
  const links = linksFor(overlaid, own, facts)
  const names = new Set(links.map(({ name }) => name))
  const entries = planOverlayEntries(
    own,
    overlaid.filter(({ link }) => names.has(link)),
    (family) => sourceOf(own, family, facts),
  )
  return {
    ...entries,
    links,
    routes: [...chosen.flatMap((one) => directRoute(one, own, facts)), ...entries.routes],
    problems: [...claims.problems, ...ownProblems(own, facts), ...chosen.flatMap(problemOf)],
  }
}

interface Claim {
  readonly remote: NodeFacts
  readonly range: Cidr
}

interface Chosen extends Claim {
  readonly path: Path
}

/** A range behind the overlay. */
export interface Overlaid extends Claim {
  /** The node's end of the tunnel. */
  readonly end: Address
  /** Name of the overlay's link on this node. */
  readonly link: string
  /** MAC address of the other node's end. */
  readonly mac: string
}

/** Each range belongs to one node: this one before others, and of others the first by name. */
function claimsOf(
  own: NodeFacts,
  remotes: readonly NodeFacts[],
): { accepted: Claim[]; problems: string[] } {
  const owners = new Map(own.podCidrs.map((range) => [formatCidr(range), own.name]))
  const accepted: Claim[] = []
  const problems: string[] = []
  for (const remote of remotes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    for (const range of remote.podCidrs) {
      const text = formatCidr(range)
      const owner = owners.get(text)
      if (owner === undefined) accepted.push({ remote, range })
      else problems.push(`${unreachable(remote, range)}: node ${owner} has the same range.`)
      owners.set(text, owner ?? remote.name)
    }
  }
  return { accepted, problems }
}

function overlaidOf({ remote, range, path }: Chosen): Overlaid[] {
  if (path.kind !== 'overlay') return []
  const { name: link } = OVERLAYS[familyOf(path.end)]
  return [{ remote, range, end: path.end, link, mac: vtepMac(remote.name) }]
}

function linksFor(
  overlaid: readonly Overlaid[],
  own: NodeFacts,
  facts: NetworkFacts,
): PlannedLink[] {
  const families = new Set(overlaid.map(({ end }) => familyOf(end)))
  return [...families].flatMap((family) => planLink(family, own, facts.mtuOf) ?? [])
}

function directRoute({ remote, range, path }: Chosen, own: NodeFacts, facts: NetworkFacts) {
  if (path.kind !== 'direct') return []
  const { gateway, link } = path
  const source = sourceOf(own, familyOf(range.first), facts)
  return [{ node: remote.name, destination: range, gateway, link, source }]
}

/** The kernel takes only an address that a link of the node has. */
function sourceOf(own: NodeFacts, family: Family, facts: NetworkFacts): Address | undefined {
  const address = addressOf(own, family)
  return address !== undefined && facts.mtuOf(address) !== undefined ? address : undefined
}

function ownProblems(own: NodeFacts, facts: NetworkFacts): string[] {
  const families: readonly Family[] = [4, 6]
  return families.flatMap((family) => {
    const address = addressOf(own, family)
    if (address === undefined || facts.mtuOf(address) !== undefined) return []
    return [
      `No link of node ${own.name} has its IPv${family} address: what it sends to pods of other nodes comes from another, and no tunnel can begin there. Correct the Node's InternalIP or --node-address.`,
    ]
  })
}

function problemOf({ remote, range, path }: Chosen): string[] {
  return path.kind === 'none' ? [`${unreachable(remote, range)}: ${path.reason}`] : []
}

function unreachable({ name }: NodeFacts, range: Cidr): string {
  return `Pods of node ${name} (${formatCidr(range)}) cannot be reached`
}
