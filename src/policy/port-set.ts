import type { PortMatch, Protocol } from './model.ts'
import type { PortRange, PortSet } from './ports.ts'

/** What a rule allows once its port names are resolved. */
export type Grant = { readonly kind: 'all' } | Exclude<PortMatch, { readonly kind: 'named' }>

/** The allow-list of all that any of the grants allows, in its one canonical form. */
export function unionOf(grants: Iterable<Grant>): PortSet {
  const protocols = new Set<Protocol>()
  const ranges: PortRange[] = []
  for (const grant of grants) {
    if (grant.kind === 'all') return { kind: 'allow', all: true, protocols: [], ranges: [] }
    if (grant.kind === 'every') protocols.add(grant.protocol)
    else ranges.push(grant)
  }
  return {
    kind: 'allow',
    all: false,
    protocols: [...protocols].sort(),
    ranges: merged(ranges.filter((range) => !protocols.has(range.protocol))),
  }
}

function merged(ranges: PortRange[]): PortRange[] {
  ranges.sort((a, b) => order(a.protocol, b.protocol) || a.first - b.first)
  const result: PortRange[] = []
  for (const { protocol, first, last } of ranges) {
    const previous = result.at(-1)
    if (previous?.protocol !== protocol || first > previous.last + 1) {
      result.push({ protocol, first, last })
    } else if (last > previous.last) {
      result[result.length - 1] = { protocol, first: previous.first, last }
    }
  }
  return result
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Equal for equal content, different for different content. */
export function portSetKey(set: PortSet): string {
  if (set.all) return `${set.kind} all`
  const ranges = set.ranges.map(({ protocol, first, last }) => `${protocol}:${first}-${last}`)
  return `${set.kind} ${[...set.protocols, ...ranges].join(' ')}`
}

/** Whether a packet may pass. `ICMP` stands for every protocol without ports. */
export function permits(
  set: PortSet,
  protocol: Protocol | 'ICMP',
  port: number | undefined,
): boolean {
  return (set.kind === 'allow') === lists(set, protocol, port)
}

function lists(set: PortSet, protocol: Protocol | 'ICMP', port: number | undefined): boolean {
  if (set.all) return true
  if (protocol === 'ICMP') return false
  if (set.protocols.includes(protocol)) return true
  if (port === undefined) return false
  return set.ranges.some(
    (range) => range.protocol === protocol && range.first <= port && port <= range.last,
  )
}
