import { decodeState } from '../../src/dataplane/decode-state.ts'
import type { KernelState } from '../../src/dataplane/kernel-state.ts'
import { allSets } from '../../src/dataplane/table.ts'
import { nfgenmsg } from '../../src/netlink/headers.ts'
import { datagramOf, makeRequest, messagesIn, readReply } from '../../src/netlink/message.ts'
import { MESSAGE_TYPES } from '../../src/netlink/message-types.ts'
import { encodeStruct } from '../../src/netlink/struct.ts'
import { NFTA_SET_ELEM_DUMP, NFTA_SET_ELEM_LIST } from '../../src/nftables/attributes.ts'
import type { TypeName, Value } from '../../src/nftables/datatypes.ts'
import { readElements } from '../../src/nftables/read-elements.ts'
import type { AnyElement, AnyValue, SetNode } from '../../src/nftables/set.ts'
import { writeElements } from '../../src/nftables/write-elements.ts'

const NEWSETELEM = MESSAGE_TYPES.NFT_MSG_NEWSETELEM

/** A listing of each set with one element in it, and one of all sets. */
export function elementListings(): Uint8Array[] {
  const listings = allSets.map(listingOf)
  return [...listings, Buffer.concat(listings)]
}

/** What the agent makes of listings of its sets when it starts. */
export function readState(datagram: Uint8Array): KernelState {
  const listed = new Map<SetNode, AnyElement[]>()
  for (const reply of messagesIn(datagram)) {
    const name = readReply(reply, nfgenmsg, NFTA_SET_ELEM_LIST).attributes.NFTA_SET_ELEM_LIST_SET
    const set = allSets.find((one) => one.name === name)
    if (set === undefined) continue
    const { NFTA_SET_ELEM_LIST_ELEMENTS: raw = [] } = readReply(
      reply,
      nfgenmsg,
      NFTA_SET_ELEM_DUMP,
    ).attributes
    listed.set(set, [...(listed.get(set) ?? []), ...readElements(set, raw)])
  }
  return decodeState((set) => listed.get(set) ?? [])
}

function listingOf(set: SetNode): Uint8Array {
  const element: AnyElement = {
    key: valueOf(set.key),
    ...(set.data.length > 0 && { data: valueOf(set.data) }),
  }
  const request = makeRequest(NEWSETELEM, 0, encodeStruct(nfgenmsg, {}), NFTA_SET_ELEM_LIST, {
    NFTA_SET_ELEM_LIST_TABLE: 'sluice',
    NFTA_SET_ELEM_LIST_SET: set.name,
    NFTA_SET_ELEM_LIST_ELEMENTS: Buffer.concat(writeElements(set, [element])),
  })
  return datagramOf([request], 0, () => 0)
}

function valueOf(fields: readonly TypeName[]): AnyValue {
  const values = fields.map((type) => VALUES[type] ?? 1)
  const [first = 1] = values
  return values.length === 1 ? first : values
}

const VALUES: Partial<Record<TypeName, Value>> = {
  ipv4_addr: 0x0a000001,
  ipv6_addr: 1n,
  classid: 0x80000010,
  inet_proto: 6,
  inet_service: 80,
  ifname: 'slc0',
}
