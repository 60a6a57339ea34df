import { familyOf, ip4, ip6 } from '../policy/address.ts'
import type { Address } from '../policy/address.ts'
import { AF_INET, AF_INET6 } from './constants.ts'
import { NetlinkDecodeError } from './errors.ts'

/** The address in network byte order: 4 or 16 bytes. */
export function addressToBytes(address: Address): Uint8Array {
  if (typeof address === 'number') {
    scratchView.setUint32(0, address)
    return scratch.slice(0, 4)
  }
  scratchView.setBigUint64(0, address >> 64n)
  scratchView.setBigUint64(8, address)
  return scratch.slice()
}

/** Of each call in turn: V8 keeps a few bytes on its heap, but not those that a view of their own looks at. */
const scratch = new Uint8Array(16)
const scratchView = new DataView(scratch.buffer)

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
