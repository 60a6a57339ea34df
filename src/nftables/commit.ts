import { NetlinkError } from '../netlink/errors.ts'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { compileTransaction } from './compile-transaction.ts'
import { refusal } from './refusal.ts'
import type { Transaction } from './transaction.ts'

/**
 * Has the kernel make all the changes, or none. A packet on its way meanwhile may see some of its lookups
 * from before and others from after.
 *
 * @throws {NftablesError} `NFT_REFUSED`, naming the object, when the kernel refuses one of them; `NFT_VALUE`
 * before anything is sent, when a value is not one of its type.
 * @throws {NetlinkSocketError} when there was no answer, or the transaction is too large for the socket.
 */
export function commit(socket: NetlinkSocket, transaction: Transaction): void {
  const requests = compileTransaction(transaction)
  try {
    socket.batch(requests)
  } catch (error) {
    const request = error instanceof NetlinkError ? requests[error.index] : undefined
    if (!(error instanceof NetlinkError) || request === undefined) throw error
    throw refusal(transaction.table, request.operation, error)
  }
}
