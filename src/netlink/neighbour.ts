import type { Address } from '../policy/address.ts'
import { addressFamily, addressFromBytes, addressToBytes } from './address-bytes.ts'
import { NLM_F_CREATE, NLM_F_EXCL } from './constants.ts'
import { NetlinkDecodeError } from './errors.ts'
import { ndmsg } from './headers.ts'
import { macFromBytes, macToBytes } from './mac.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import { NDA, NUD_PERMANENT } from './neighbour-table.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

/** Which MAC address an address has on a link. */
export interface Neighbour {
  /** Index of the link. */
  readonly index: number
  readonly address: Address
  readonly mac: string
}

export interface ListedNeighbour extends Omit<Neighbour, 'mac'> {
  /** Undefined while it is not known. */
  readonly mac: string | undefined
  /** Made by hand; it neither expires nor changes by itself. */
  readonly permanent: boolean
}

/** `ip neighbour add … nud permanent`. EEXIST when the address has an entry on the link. */
export function addNeighbour({ index, address, mac }: Neighbour): Request {
  const header = encodeStruct(ndmsg, {
    ndm_family: addressFamily(address),
    ndm_ifindex: index,
    ndm_state: NUD_PERMANENT,
  })
  return makeRequest(MESSAGE_TYPES.RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, header, NDA, {
    NDA_DST: addressToBytes(address),
    NDA_LLADDR: macToBytes(mac),
  })
}

/** `ip neighbour delete`. ENOENT when there is none. */
export function deleteNeighbour({ index, address }: Omit<Neighbour, 'mac'>): Request {
  const header = encodeStruct(ndmsg, { ndm_family: addressFamily(address), ndm_ifindex: index })
  return makeRequest(MESSAGE_TYPES.RTM_DELNEIGH, 0, header, NDA, {
    NDA_DST: addressToBytes(address),
  })
}

/** The entries on one link, or on all, permanent or not. */
export function listNeighbours(socket: NetlinkSocket, link?: number): ListedNeighbour[] {
  const header = encodeStruct(ndmsg, {})
  const request = makeRequest(MESSAGE_TYPES.RTM_GETNEIGH, 0, header, NDA, { NDA_IFINDEX: link })
  return socket.dump(request, readNeighbour)
}

/**
 * Of RTM_NEWNEIGH and RTM_DELNEIGH messages, notifications included.
 *
 * @throws {NetlinkDecodeError} when the message is damaged.
 */
export function readNeighbour(reply: Reply): ListedNeighbour {
  const { header, attributes: values } = readReply(reply, ndmsg, NDA)
  if (!values.NDA_DST) throw new NetlinkDecodeError('NDA_DST', 'it is missing.')
  const mac = values.NDA_LLADDR
  return {
    index: header.ndm_ifindex,
    address: addressFromBytes(values.NDA_DST, 'NDA_DST'),
    mac: mac?.length === 6 ? macFromBytes(mac, 'NDA_LLADDR') : undefined,
    permanent: (header.ndm_state & NUD_PERMANENT) !== 0,
  }
}
