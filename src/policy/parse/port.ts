import type { Field } from './field.ts'
import { checkObject, child, describe, isAbsent, readWord, refuse } from './field.ts'
import type { Port, PortMatch, Protocol } from '../model.ts'
import { portNameFault } from './names.ts'
import { parsePort } from '../port.ts'

const PROTOCOLS: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']

/** One of a rule's `ports` (API: `NetworkPolicyPort`). An empty one is all of TCP. */
export function readPortMatch(field: Field): PortMatch | undefined {
  if (!checkObject(field, ['protocol', 'port', 'endPort'])) return undefined
  const protocol = readProtocol(child(field, 'protocol'))
  const port = child(field, 'port')
  const endPort = child(field, 'endPort')
  if (typeof port.value === 'string' || isAbsent(port)) {
    if (!isAbsent(endPort)) refuse(endPort, 'may only stand beside a port that is a number')
    if (typeof port.value !== 'string') return { kind: 'every', protocol }
    const fault = portNameFault(port.value)
    if (fault !== undefined) return refuse(port, `${fault}: ${describe(port.value)}`)
    return { kind: 'named', protocol, name: port.value }
  }
  const first = readPort(port)
  const last = isAbsent(endPort) ? first : readPort(endPort)
  if (first === undefined || last === undefined) return undefined
  if (last < first) return refuse(endPort, `must be ≥ port, but ${last} < ${first}`)
  return { kind: 'range', protocol, first, last }
}

/** A protocol; TCP where it is absent. */
export function readProtocol(field: Field): Protocol {
  return readWord(field, PROTOCOLS) ?? 'TCP'
}

/** A port number. */
export function readPort(field: Field): Port | undefined {
  if (isAbsent(field)) return refuse(field, 'is missing: give it a whole number from 1 to 65535')
  const port = typeof field.value === 'number' ? parsePort(field.value) : undefined
  return (
    port ?? refuse(field, `must be a whole number from 1 to 65535, not ${describe(field.value)}`)
  )
}
