import { type Address, type Cidr, parseAddress, parseCidr } from '../../src/policy/address.ts'
import type { Port } from '../../src/policy/model.ts'
import { parsePort } from '../../src/policy/port.ts'

/** An address as tests write it. @throws where it is none */
export function address(text: string): Address {
  const read = parseAddress(text)
  if (read === undefined) throw new Error(`${text} in a test is no address.`)
  return read
}

/** A block of addresses as tests write it. @throws where it is none */
export function cidr(text: string): Cidr {
  const read = parseCidr(text)
  if (read === undefined) throw new Error(`${text} in a test is no block.`)
  return read.cidr
}

/** A port as tests write it. @throws where it is none */
export function port(value: number): Port {
  const read = parsePort(value)
  if (read === undefined) throw new Error(`${value} in a test is no port.`)
  return read
}
