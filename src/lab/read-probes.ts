import { isObject } from '../cluster/json.ts'
import { parseAddress } from '../policy/address.ts'
import { parsePort } from '../policy/port.ts'
import type { ProbeProtocol } from './place-messages.ts'
import type { Probe } from './probe.ts'

/**
 * Reads a list of probes: a JSON array of `{from, to, port, protocol}`. `protocol` is TCP (also when absent),
 * UDP, SCTP or ICMP, the last without `port`.
 *
 * @throws Error with a sentence that names the probe by its place (from 0) and the field.
 */
export function readProbes(text: string, source: string): Probe[] {
  const probes = parseJson(text, source)
  if (!Array.isArray(probes)) throw new Error(`${source} must hold a JSON array of probes.`)
  return probes.map((value: unknown, index) => readProbe(value, `${source}: probe [${index}]`))
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`${source} is not JSON (${why}).`, { cause: error })
  }
}

const FIELDS = ['from', 'to', 'port', 'protocol']
const PROTOCOLS: readonly ProbeProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP']

function readProbe(value: unknown, subject: string): Probe {
  if (!isObject(value))
    throw new Error(`${subject} must be an object with from, to, port, protocol.`)
  const unknown = Object.keys(value).find((key) => !FIELDS.includes(key))
  if (unknown !== undefined) {
    throw new Error(`${subject} has an unknown field ${unknown}; known are ${FIELDS.join(', ')}.`)
  }
  const asked = value['protocol'] ?? 'TCP'
  const protocol = PROTOCOLS.find((one) => one === asked)
  if (protocol === undefined) {
    throw new Error(`${subject} protocol must be TCP, UDP, SCTP or ICMP, not ${show(asked)}.`)
  }
  return {
    from: readEnd(value['from'], `${subject} from`),
    to: readEnd(value['to'], `${subject} to`),
    protocol,
    port: readPort(value['port'] ?? undefined, protocol, `${subject} port`),
  }
}

function readEnd(value: unknown, subject: string): string {
  if (typeof value === 'string' && (/^[^/]+\/[^/]+$/u.test(value) || parseAddress(value)))
    return value
  const remedy = 'must be namespace/pod or an IP address'
  throw new Error(
    `${subject} ${value === undefined ? 'is missing: it ' : ''}${remedy}, not ${show(value)}.`,
  )
}

function readPort(value: unknown, protocol: ProbeProtocol, subject: string): number | undefined {
  if (protocol === 'ICMP') {
    if (value === undefined) return undefined
    throw new Error(`${subject} must be absent: ICMP has no ports.`)
  }
  const port = typeof value === 'number' ? parsePort(value) : undefined
  if (port === undefined) {
    throw new Error(`${subject} must be a number from 1 to 65535, not ${show(value)}.`)
  }
  return port
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60)
}
