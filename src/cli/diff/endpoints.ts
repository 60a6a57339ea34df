import { isDeepStrictEqual } from 'node:util'
import {
  type Address,
  type Cidr,
  contains,
  type Family,
  familyOf,
  formatAddress,
  formatCidr,
  ip4,
  ip6,
} from '../../policy/address.ts'
import type { Cluster } from '../../policy/cluster.ts'
import type { Endpoint } from '../../policy/flow.ts'
import { keyOf, type Pod } from '../../policy/model.ts'

/** Ends that policy cannot tell apart, before or after, and one that stands for them. */
export interface EndpointGroup {
  /** For people: `shop/web-0 … web-2`, `192.0.2.0/24`. */
  readonly name: string
  readonly endpoint: Endpoint
  /** Another one of them, to be the other end of a flow within the group; undefined where there is none. */
  readonly another: Endpoint | undefined
}

/** Pods that both clusters have; those that look alike to policy in each of them are one group. */
export function podGroups(before: Cluster, after: Cluster): EndpointGroup[] {
  const groups: { likeness: unknown; keys: Pod[] }[] = []
  for (const [key, pod] of before.pods) {
    const later = after.pods.get(key)
    if (later === undefined) continue
    const likeness = [likenessOf(pod), likenessOf(later)]
    const known = groups.find((group) => isDeepStrictEqual(group.likeness, likeness))
    if (known === undefined) groups.push({ likeness, keys: [pod] })
    else known.keys.push(pod)
  }
  return groups.flatMap(({ keys: [first, ...more] }) => {
    if (first === undefined) return []
    const last = more.at(-1)
    const name = `${keyOf(first)}${last === undefined ? '' : ` … ${last.name}`}`
    const another: Endpoint | undefined = last && { kind: 'pod', key: keyOf(last) }
    return [{ name, endpoint: { kind: 'pod', key: keyOf(first) }, another }]
  })
}

/** All that the evaluator looks at in a pod, but its name. */
function likenessOf(pod: Pod): unknown {
  return { ...pod, name: '', uid: '', createdAt: 0 }
}

/** Addresses of no pod: those that the same blocks of the policies hold are one group, and all others one. */
export function addressGroups(before: Cluster, after: Cluster): EndpointGroup[] {
  const blocks = [before, after].flatMap(blocksOf)
  const families: readonly Family[] = [4, 6]
  return families.flatMap((family) => {
    const own = blocks.filter((block) => familyOf(block.first) === family)
    const groups = Map.groupBy(rangesBetween(own, family), (range) =>
      own.map((block) => (contains(block, range.first) ? '1' : '0')).join(''),
    )
    return [...groups.values()].flatMap((ranges) => {
      const address = ranges
        .map(({ first, last }) => freeAddress(first, last, [before, after]))
        .find((one) => one !== undefined)
      if (address === undefined) return []
      const name = own.some((block) => contains(block, address))
        ? ranges.map(rangeText).join(', ')
        : `every other IPv${family} address`
      return [{ name, endpoint: { kind: 'address', address }, another: undefined }]
    })
  })
}

function blocksOf({ policies }: Cluster): Cidr[] {
  const rules = [...policies.values()].flatMap(({ ingress = [], egress = [] }) => [
    ...ingress,
    ...egress,
  ])
  return rules.flatMap(({ peers }) =>
    peers === 'everyone'
      ? []
      : peers.flatMap((peer) => (peer.kind === 'block' ? [peer.cidr, ...peer.except] : [])),
  )
}

interface AddressRange {
  readonly first: Address
  readonly last: Address
}

/** The whole family, cut at both ends of each block. */
function rangesBetween(blocks: readonly Cidr[], family: Family): AddressRange[] {
  const end = family === 4 ? 2n ** 32n : 2n ** 128n
  const edges = new Set([0n, ...blocks.flatMap((b) => [BigInt(b.first), BigInt(b.last) + 1n]), end])
  const ascending = [...edges].sort((a, b) => (a < b ? -1 : 1))
  const toAddress = (value: bigint): Address => (family === 4 ? ip4(Number(value)) : ip6(value))
  return ascending.slice(1).map((next, index) => ({
    first: toAddress(ascending[index] ?? 0n),
    last: toAddress(next - 1n),
  }))
}

/** The first address of a range that is no pod's and no node's; such a range of pods alone has none. */
function freeAddress(
  first: Address,
  last: Address,
  clusters: readonly Cluster[],
): Address | undefined {
  const taken = new Set(
    clusters.flatMap(({ pods, nodes }) => [
      ...[...pods.values()].flatMap(({ addresses }) => addresses),
      ...[...nodes.values()].flat(),
    ]),
  )
  let address = first
  while (taken.has(address) && address < last) {
    address = typeof address === 'number' ? ip4(address + 1) : ip6(address + 1n)
  }
  return taken.has(address) ? undefined : address
}

function rangeText({ first, last }: AddressRange): string {
  const width = familyOf(first) === 4 ? 32 : 128
  const size = BigInt(last) - BigInt(first) + 1n
  const bits = size.toString(2).length - 1
  const isBlock = size === 1n << BigInt(bits) && BigInt(first) % size === 0n
  return isBlock
    ? formatCidr({ first, last, prefix: width - bits })
    : `${formatAddress(first)} – ${formatAddress(last)}`
}
