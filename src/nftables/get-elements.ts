import { NetlinkError } from '../netlink/errors.ts'
import { nfgenmsg } from '../netlink/headers.ts'
import { makeRequest, readReply } from '../netlink/message.ts'
import { MESSAGE_TYPES } from '../netlink/message-types.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { NFTA_SET_ELEM_DUMP, NFTA_SET_ELEM_LIST } from './attributes.ts'
import { familyHeader } from './family.ts'
import { readElements, type ListedElement } from './read-elements.ts'
import type { AnyElement, SetNode } from './set.ts'
import type { TableReference } from './transaction.ts'
import { writeElements } from './write-elements.ts'

/**
 * `nft get element`: those of the given elements that the set has, with the data that they have there. The
 * kernel looks each up by its key, so the size of the set does not matter. Not for sets of single intervals
 * (`hasBounds`), whose keys are kept in two halves. Where the table or the set is not there, there are none.
 */
export function getElements(
  socket: NetlinkSocket,
  table: TableReference,
  set: SetNode,
  elements: readonly AnyElement[],
): ListedElement[] {
  try {
    return getAll(socket, table, set, elements)
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== 'ENOENT') throw error
  }
  // The kernel stops at the first that is missing, without saying which.
  return elements.length < 2
    ? []
    : elements.flatMap((element) => getElements(socket, table, set, [element]))
}

/** @throws {NetlinkError} ENOENT when one is missing. */
function getAll(
  socket: NetlinkSocket,
  { family, table }: TableReference,
  set: SetNode,
  elements: readonly AnyElement[],
): ListedElement[] {
  const requests = writeElements(set, elements, true).map((encoded) =>
    makeRequest(MESSAGE_TYPES.NFT_MSG_GETSETELEM, 0, familyHeader(family), NFTA_SET_ELEM_LIST, {
      NFTA_SET_ELEM_LIST_TABLE: table,
      NFTA_SET_ELEM_LIST_SET: set.name,
      NFTA_SET_ELEM_LIST_ELEMENTS: encoded,
    }),
  )
  const replies = socket.requests(requests)
  const raw = replies.flatMap(
    (reply) =>
      readReply(reply, nfgenmsg, NFTA_SET_ELEM_DUMP).attributes.NFTA_SET_ELEM_LIST_ELEMENTS ?? [],
  )
  return readElements(set, raw)
}
