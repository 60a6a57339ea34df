import { type Address, type Family, formatAddress } from '../../policy/address.ts'
import { addressOf, type NodeFacts } from './node-facts.ts'

/** When pods' packets are tunnelled: where no link is shared, to every node, or never. */
export type OverlayMode = 'auto' | 'always' | 'never'

/** How the pods of another node are reached. */
export type Path =
  /** By the node's address on a link that both share. */
  | { readonly kind: 'direct'; readonly gateway: Address; readonly link: number }
  /** Through the overlay, whose other end is at this address. */
  | { readonly kind: 'overlay'; readonly end: Address }
  | { readonly kind: 'none'; readonly reason: string }

/** What the kernel says of an address. */
export type Reach =
  /** It is on this link. */
  | { readonly kind: 'neighbour'; readonly link: number }
  | { readonly kind: 'routed' }
  | { readonly kind: 'unreachable'; readonly reason: string }

/** The two ends of a path. */
export interface Ends {
  readonly own: NodeFacts
  readonly remote: NodeFacts
}

/**
 * The path for packets of this family. The nodes choose alone, each for what it sends: where they choose
 * differently for a moment, or for good, both ways still lead to the pods.
 */
export function choosePath(
  family: Family,
  ends: Ends,
  mode: OverlayMode,
  reach: (address: Address) => Reach,
): Path {
  const gateway = addressOf(ends.remote, family)
  const found = gateway === undefined || mode === 'always' ? undefined : reach(gateway)
  if (gateway !== undefined && found?.kind === 'neighbour') {
    return { kind: 'direct', gateway, link: found.link }
  }
  if (mode === 'never') return { kind: 'none', reason: reasonOf(gateway, family, found) }
  return throughOverlay(ends, reach)
}

/** IPv4 where both nodes have it, so that both choose the same overlay; it carries either family. */
function throughOverlay({ own, remote }: Ends, reach: (address: Address) => Reach): Path {
  const family = FAMILIES.find(
    (one) => addressOf(own, one) !== undefined && addressOf(remote, one) !== undefined,
  )
  const end = family && addressOf(remote, family)
  if (end === undefined) {
    return { kind: 'none', reason: 'it and this node have no addresses of one family.' }
  }
  const found = reach(end)
  if (found.kind !== 'unreachable') return { kind: 'overlay', end }
  return { kind: 'none', reason: `${formatAddress(end)} is unreachable: ${found.reason}` }
}

const FAMILIES: readonly Family[] = [4, 6]

function reasonOf(gateway: Address | undefined, family: Family, found: Reach | undefined): string {
  if (gateway === undefined) return `it has no IPv${family} address, and --overlay is never.`
  const address = formatAddress(gateway)
  if (found?.kind === 'unreachable') return `${address} is unreachable: ${found.reason}`
  return `${address} is on no link of this node, and --overlay is never.`
}
