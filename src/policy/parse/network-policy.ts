import type { Field } from './field.ts'
import { checkObject, child, items, readWord, refuse } from './field.ts'
import type { Direction, NetworkPolicy, Rule } from '../model.ts'
import { dnsSubdomainFault } from './names.ts'
import { OBJECT_FIELDS, readMetadata } from './metadata.ts'
import { readPeer } from './peer.ts'
import { readPortMatch } from './port.ts'
import { readSelector } from './selector.ts'
import { EVERYTHING } from '../selector.ts'

/**
 * Reads a `networking.k8s.io/v1` NetworkPolicy. If anything in it is wrong, that is noted and the result is what
 * has to stand in for it: it isolates the pods that the object selects, or all of its namespace if that cannot
 * be told, and allows nothing. Undefined when not even its namespace can be told.
 */
export function readNetworkPolicy(object: Field): NetworkPolicy | undefined {
  checkObject(object, OBJECT_FIELDS)
  const { name, namespace } = readMetadata(object, dnsSubdomainFault)
  const spec = child(object, 'spec')
  checkObject(spec, ['podSelector', 'ingress', 'egress', 'policyTypes'])
  const faults = object.notes.total
  const podSelector = readSelector(child(spec, 'podSelector'))
  const selected = object.notes.total === faults
  const rules = { ingress: readRules(spec, 'ingress'), egress: readRules(spec, 'egress') }
  const types = readTypes(spec, rules.egress.length > 0)
  if (namespace === undefined) return undefined
  if (object.notes.total === 0 && name !== undefined) {
    return {
      namespace,
      name,
      podSelector,
      ingress: types.includes('ingress') ? rules.ingress : undefined,
      egress: types.includes('egress') ? rules.egress : undefined,
    }
  }
  return {
    namespace,
    name: name ?? '(unnamed)',
    // Nameless objects would replace each other, so that each has to cover the others' pods.
    podSelector: selected && name !== undefined ? podSelector : EVERYTHING,
    ingress: [],
    egress: [],
    invalid: summary(object),
  }
}

const PEER_LISTS = { ingress: 'from', egress: 'to' } as const

function readRules(spec: Field, direction: Direction): readonly Rule[] {
  return items(child(spec, direction)).map((field) => {
    checkObject(field, ['ports', PEER_LISTS[direction]])
    const peers = items(child(field, PEER_LISTS[direction]))
    const ports = items(child(field, 'ports'))
    return {
      peers: peers.length === 0 ? 'everyone' : present(peers.map(readPeer)),
      ports: ports.length === 0 ? 'all' : present(ports.map(readPortMatch)),
    }
  })
}

const TYPES = { Ingress: 'ingress', Egress: 'egress' } as const

/** Absent or empty means ingress, and egress if there are rules for it. */
function readTypes(spec: Field, hasEgress: boolean): readonly Direction[] {
  const field = child(spec, 'policyTypes')
  const types = items(field)
  if (types.length === 0) return hasEgress ? ['ingress', 'egress'] : ['ingress']
  if (types.length > 2) refuse(field, 'must have at most two entries')
  return present(
    types.map((type) => {
      const word = readWord(type, ['Ingress', 'Egress'] as const)
      return word === undefined ? undefined : TYPES[word]
    }),
  )
}

function present<Value>(values: readonly (Value | undefined)[]): readonly Value[] {
  return values.filter((value) => value !== undefined)
}

function summary({ notes }: Field): string {
  const [first] = notes.problems
  const rest = notes.total > 1 ? ` (and ${notes.total - 1} more)` : ''
  return first === undefined ? 'unknown fault' : `${first.path}: ${first.message}${rest}`
}
