import { InvalidArgumentError } from 'commander'
import { parseAddress } from '../policy/address.ts'
import type { Endpoint, Flow } from '../policy/flow.ts'

/** Reads `ns/pod` or an IP address. */
export function parseEndpoint(text: string): Endpoint {
  const address = parseAddress(text)
  if (address !== undefined) return { kind: 'address', address }
  const [namespace, name, ...more] = text.split('/')
  if (namespace && name && more.length === 0) return { kind: 'pod', key: `${namespace}/${name}` }
  throw new InvalidArgumentError(`Write a pod as namespace/name, or an IP address.`)
}

/** Reads `PORT`, which is TCP, `PORT/PROTOCOL`, or `icmp`. */
export function parsePortAndProtocol(text: string): Pick<Flow, 'protocol' | 'port'> {
  const [, digits = '', word = 'TCP'] = /^(\d{1,5})(?:\/(\w+))?$/.exec(text) ?? []
  if (text.toUpperCase() === 'ICMP') return { protocol: 'ICMP' }
  const protocol = PROTOCOLS.find((one) => one === word.toUpperCase())
  const port = Number(digits)
  if (protocol !== undefined && port >= 1 && port <= 65535) return { protocol, port }
  throw new InvalidArgumentError(
    'Write a port from 1 to 65535, such as 80 or 53/UDP (TCP, UDP or SCTP), or icmp.',
  )
}

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const
