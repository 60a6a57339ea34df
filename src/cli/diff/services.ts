import type { Cluster } from '../../policy/cluster.ts'
import type { Flow } from '../../policy/flow.ts'
import type { PortMatch, Protocol } from '../../policy/model.ts'

/** Ports of one protocol that no policy tells apart, or ICMP. */
export interface ServiceRange {
  readonly protocol: Flow['protocol']
  /** 0 for ICMP. */
  readonly first: number
  readonly last: number
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const
const FIRST_PORT = 1
const LAST_PORT = 65_535

/** All ports of all protocols, cut wherever a policy of either cluster cuts. Ascending within a protocol. */
export function serviceRanges(before: Cluster, after: Cluster): ServiceRange[] {
  const cuts: Record<Protocol, Set<number>> = { TCP: new Set(), UDP: new Set(), SCTP: new Set() }
  for (const cluster of [before, after]) {
    for (const match of portMatches(cluster)) {
      for (const [first, last] of portsOf(match, cluster)) {
        cuts[match.protocol].add(first).add(last + 1)
      }
    }
  }
  const ports = PROTOCOLS.flatMap((protocol) => {
    const inside = [...cuts[protocol]].filter((cut) => cut > FIRST_PORT && cut <= LAST_PORT)
    const edges = [FIRST_PORT, ...inside.toSorted((a, b) => a - b), LAST_PORT + 1]
    return edges
      .slice(1)
      .map((next, index) => ({ protocol, first: edges[index] ?? FIRST_PORT, last: next - 1 }))
  })
  return [...ports, { protocol: 'ICMP', first: 0, last: 0 }]
}

/** For people: `5432/TCP, all UDP`; 'everything' where nothing is left out. The ranges are joined ones. */
export function servicesText(ranges: readonly ServiceRange[]): string {
  const whole = ranges.filter(({ protocol, first, last }) => isWhole(protocol, first, last))
  if (whole.length === PROTOCOLS.length + 1) return 'everything'
  return ranges.map(serviceText).join(', ')
}

function portMatches({ policies }: Cluster): PortMatch[] {
  const rules = [...policies.values()].flatMap(({ ingress = [], egress = [] }) => [
    ...ingress,
    ...egress,
  ])
  return rules.flatMap(({ ports }) => (ports === 'all' ? [] : ports))
}

function portsOf(match: PortMatch, { pods }: Cluster): (readonly [number, number])[] {
  if (match.kind === 'every') return []
  if (match.kind === 'range') return [[match.first, match.last]]
  return [...pods.values()].flatMap(({ namedPorts }) =>
    namedPorts
      .filter(({ name, protocol }) => name === match.name && protocol === match.protocol)
      .map(({ port }) => [port, port] as const),
  )
}

/** Neighbours made one. */
export function joinServices(ranges: readonly ServiceRange[]): ServiceRange[] {
  const joined: ServiceRange[] = []
  for (const range of ranges) {
    const before = joined.at(-1)
    if (before?.protocol === range.protocol && before.last + 1 === range.first) {
      joined[joined.length - 1] = { ...before, last: range.last }
    } else joined.push(range)
  }
  return joined
}

function serviceText({ protocol, first, last }: ServiceRange): string {
  if (protocol === 'ICMP') return 'ICMP'
  if (isWhole(protocol, first, last)) return `all ${protocol}`
  return first === last ? `${first}/${protocol}` : `${first}–${last}/${protocol}`
}

function isWhole(protocol: Flow['protocol'], first: number, last: number): boolean {
  return protocol === 'ICMP' || (first === FIRST_PORT && last === LAST_PORT)
}
