import { familyOf, ip4, ip6 } from '../policy/address.ts'
import type { Address } from '../policy/address.ts'
import { AF_INET, AF_INET6 } from './constants.ts'
import { NetlinkDecodeError } from './errors.ts'

/** The address in network byte order: 4 or 16 bytes. */
export function addressToBytes(address: Address): Uint8Array {
  if (typeof address === 'number') {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, address)
    return bytes
  }
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, address >> 64n)
  view.setBigUint64(8, address & LOW)
  return bytes
}

/** @throws {NetlinkDecodeError} naming `attribute` unless there are 4 or 16 bytes. */
export function addressFromBytes(bytes: Uint8Array, attribute: string): Address {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length === 4) return ip4(view.getUint32(0))
  if (bytes.length === 16) return ip6((view.getBigUint64(0) << 64n) | view.getBigUint64(8))
  throw new NetlinkDecodeError(attribute, `an address of ${bytes.length} bytes is of no family.`)
}

/** AF_INET or AF_INET6. */
export function addressFamily(address: Address): number {
  return familyOf(address) === 4 ? AF_INET : AF_INET6
}

const LOW = (1n << 64n) - 1n
