import { formatAddress, formatCidr } from '../address.ts'
import type { Flow } from '../flow.ts'
import { keyOf } from '../model.ts'
import type { Peer, PortMatch, Requirement, Rule, Selector } from '../model.ts'
import type { Side } from './sides.ts'

/** Parts of policies and flows in words, for reasons that a person reads. */

/** `shop/web`, `10.0.0.7`, `node n1`. */
export function describeSide(side: Side): string {
  if (side.pod !== undefined) return keyOf(side.pod)
  if (side.address !== undefined) return formatAddress(side.address)
  return side.node === '' ? 'an address of no pod' : `node ${side.node}`
}

export function describePeers(peers: Rule['peers']): string {
  return peers === 'everyone' ? 'everyone' : listed(peers.map(describePeer))
}

/** `TCP 80`, `ICMP`. */
export function describeFlow({ protocol, port }: Flow): string {
  return port === undefined ? protocol : `${protocol} ${port}`
}

/** `destination` is asked for names that it does not have. */
export function describePorts(ports: Rule['ports'], destination: Side): string {
  return ports === 'all'
    ? 'every protocol'
    : listed(ports.map((match) => describePort(match, destination)))
}

/** `a`, `a and b`, `a, b and c`; the tail of a long list is counted. */
export function listed(all: readonly string[]): string {
  const shown = all.length > 4 ? [...all.slice(0, 3), `${all.length - 3} more`] : all
  const last = shown.at(-1) ?? 'nothing'
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`
}

function describePeer(peer: Peer): string {
  switch (peer.kind) {
    case 'nothing':
      return 'a kind of peer that this version does not know'
    case 'block': {
      const except = peer.except.map(formatCidr)
      return formatCidr(peer.cidr) + (except.length > 0 ? ` except ${listed(except)}` : '')
    }
    case 'pods': {
      const pods = peer.pods.requirements.length === 0 ? 'pods' : `pods with ${inWords(peer.pods)}`
      if (peer.namespaces === 'own') return `${pods} of its own namespace`
      if (peer.namespaces.requirements.length === 0) return `${pods} of any namespace`
      return `${pods} of namespaces with ${inWords(peer.namespaces)}`
    }
  }
}

function describePort(match: PortMatch, destination: Side): string {
  switch (match.kind) {
    case 'every':
      return `all of ${match.protocol}`
    case 'range':
      return match.first === match.last
        ? `${match.protocol} ${match.first}`
        : `${match.protocol} ${match.first}-${match.last}`
    case 'named': {
      const named = (destination.pod?.namedPorts ?? []).filter(
        (one) => one.name === match.name && one.protocol === match.protocol,
      )
      const numbers = named.map((one) => `${one.port}`)
      const meaning = numbers.length > 0 ? listed(numbers) : 'a name that it does not have'
      return `${match.protocol} ${JSON.stringify(match.name)} (on ${describeSide(destination)} ${meaning})`
    }
  }
}

function inWords(selector: Selector): string {
  return selector.requirements.map(describeRequirement).join(', ')
}

function describeRequirement(requirement: Requirement): string {
  const { key } = requirement
  switch (requirement.operator) {
    case 'In':
      return requirement.values.length === 1
        ? `${key}=${wordOf(requirement.values[0] ?? '')}`
        : `${key} in (${requirement.values.map(wordOf).join(', ')})`
    case 'NotIn':
      return `${key} not in (${requirement.values.map(wordOf).join(', ')})`
    case 'Exists':
      return `label ${key}`
    case 'DoesNotExist':
      return `no label ${key}`
  }
}

function wordOf(value: string): string {
  return value === '' ? '""' : value
}
