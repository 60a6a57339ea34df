import type { Address } from '../policy/address.ts'
import { addressFromBytes, addressToBytes } from './address-bytes.ts'
import { AF_BRIDGE, NLM_F_CREATE, NLM_F_EXCL } from './constants.ts'
import { ndmsg } from './headers.ts'
import { macFromBytes, macToBytes } from './mac.ts'
import { makeRequest, readReply } from './message.ts'
import type { Reply, Request } from './message.ts'
import { MESSAGE_TYPES } from './message-types.ts'
import { NDA, NTF_SELF, NUD_NOARP, NUD_PERMANENT } from './neighbour-table.ts'
import type { NetlinkSocket } from './socket.ts'
import { encodeStruct } from './struct.ts'

/** Behind which tunnel end a MAC address is. */
export interface ForwardingEntry {
  /** Index of the VXLAN link. */
  readonly index: number
  readonly mac: string
  /** Of the tunnel's other end. */
  readonly destination: Address
}

/** `bridge fdb add … dev … dst … self permanent`. EEXIST when the MAC address has an entry on the link. */
export function addForwardingEntry(entry: ForwardingEntry): Request {
  return entryRequest(MESSAGE_TYPES.RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_EXCL, entry)
}

/** `bridge fdb delete … dev … dst … self`. ENOENT when there is none. */
export function deleteForwardingEntry(entry: ForwardingEntry): Request {
  return entryRequest(MESSAGE_TYPES.RTM_DELNEIGH, 0, entry)
}

/** `bridge fdb show dev …`: the entries of a VXLAN link. */
export function listForwardingEntries(socket: NetlinkSocket, link: number): ForwardingEntry[] {
  const header = encodeStruct(ndmsg, { ndm_family: AF_BRIDGE, ndm_ifindex: link })
  const request = makeRequest(MESSAGE_TYPES.RTM_GETNEIGH, 0, header, NDA, {})
  return socket.dump(request, readForwardingEntry).filter((entry) => entry !== undefined)
}

/** Undefined where there is no other end: an entry of a link that is no tunnel. */
function readForwardingEntry(reply: Reply): ForwardingEntry | undefined {
  const { header, attributes } = readReply(reply, ndmsg, NDA)
  const { NDA_LLADDR: mac, NDA_DST: destination } = attributes
  if (mac === undefined || destination === undefined) return undefined
  return {
    index: header.ndm_ifindex,
    mac: macFromBytes(mac, 'NDA_LLADDR'),
    destination: addressFromBytes(destination, 'NDA_DST'),
  }
}

function entryRequest(type: number, flags: number, entry: ForwardingEntry): Request {
  const { index, mac, destination } = entry
  const header = encodeStruct(ndmsg, {
    ndm_family: AF_BRIDGE,
    ndm_ifindex: index,
    ndm_state: NUD_NOARP | NUD_PERMANENT,
    ndm_flags: NTF_SELF,
  })
  return makeRequest(type, flags, header, NDA, {
    NDA_LLADDR: macToBytes(mac),
    NDA_DST: addressToBytes(destination),
  })
}
