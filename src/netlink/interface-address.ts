import type { Address } from '../policy/address.ts'
import { addressFamily, addressFromBytes, addressToBytes } from './address-bytes.ts'
import { attributes } from './attributes.ts'
import { AF_INET6, NLM_F_CREATE, NLM_F_EXCL } from './constants.ts'
import { NetlinkDecodeError } from './errors.ts'
import { ifaddrmsg } from './headers.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

/** An address on a link. */
export interface InterfaceAddress {
  /** Of the link. */
  readonly index: number
  readonly address: Address
  readonly prefix: number
}

export interface NewInterfaceAddress extends InterfaceAddress {
  /** False leaves out the route to the addresses of its prefix. */
  readonly prefixRoute?: boolean
}

/** `ip address add`, without duplicate detection: it is usable at once. EEXIST when it is there. */
export function addAddress(address: NewInterfaceAddress): Request {
  const flags = NLM_F_CREATE | NLM_F_EXCL
  return addressRequest(MESSAGE_TYPES.RTM_NEWADDR, flags, address, flagsOf(address))
}

/** `ip address delete`. EADDRNOTAVAIL when there is none. */
export function deleteAddress(address: InterfaceAddress): Request {
  return addressRequest(MESSAGE_TYPES.RTM_DELADDR, 0, address)
}

/** The addresses of one link, or of all. */
export function listAddresses(socket: NetlinkSocket, link = 0): InterfaceAddress[] {
  const header = encodeStruct(ifaddrmsg, { ifa_index: link })
  return socket.dump(makeRequest(MESSAGE_TYPES.RTM_GETADDR, 0, header, IFA, {}), readAddress)
}

/**
 * Of RTM_NEWADDR and RTM_DELADDR messages, notifications included.
 *
 * @throws {NetlinkDecodeError} when the message is damaged.
 */
export function readAddress(reply: Reply): InterfaceAddress {
  const { header, attributes: values } = readReply(reply, ifaddrmsg, IFA)
  const bytes = values.IFA_LOCAL ?? values.IFA_ADDRESS
  if (!bytes) throw new NetlinkDecodeError('IFA_ADDRESS', 'it is missing.')
  return {
    index: header.ifa_index,
    address: addressFromBytes(bytes, 'IFA_ADDRESS'),
    prefix: header.ifa_prefixlen,
  }
}

/** linux/if_addr.h. IFA_ADDRESS is the other end's on links that have but two ends, else the same. */
const IFA = attributes({
  IFA_ADDRESS: [1, 'binary'],
  IFA_LOCAL: [2, 'binary'],
  IFA_FLAGS: [8, 'u32'],
})
const IFA_F_NODAD = 0x02
const IFA_F_NOPREFIXROUTE = 0x200

function addressRequest(
  type: number,
  flags: number,
  { index, address, prefix }: InterfaceAddress,
  addressFlags?: number,
): Request {
  const bytes = addressToBytes(address)
  const header = encodeStruct(ifaddrmsg, {
    ifa_family: addressFamily(address),
    ifa_prefixlen: prefix,
    ifa_index: index,
  })
  return makeRequest(type, flags, header, IFA, {
    IFA_LOCAL: bytes,
    IFA_FLAGS: addressFlags,
    IFA_ADDRESS: bytes,
  })
}

function flagsOf({ address, prefixRoute = true }: NewInterfaceAddress): number | undefined {
  const nodad = addressFamily(address) === AF_INET6 ? IFA_F_NODAD : 0
  return nodad | (prefixRoute ? 0 : IFA_F_NOPREFIXROUTE) || undefined
}
