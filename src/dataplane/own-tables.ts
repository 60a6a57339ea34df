import type { NetlinkSocket } from '../netlink/socket.ts'
import { commit } from '../nftables/commit.ts'
import { NftablesError } from '../nftables/errors.ts'
import { listTables } from '../nftables/list.ts'
import { type TableOptions, type TableReference, Transaction } from '../nftables/transaction.ts'
import { DataplaneError } from './errors.ts'

/**
 * Flags of a table that only the socket which made it, or claimed it, may change. When that socket closes, the table
 * stays as it is, and whoever comes next may claim it.
 */
export const OWNED = ['owner', 'persist'] as const satisfies TableOptions['flags']

/** Of older kernels; those before 5.12 know no flag but `dormant`. */
const UNKNOWN_FLAGS: ReadonlySet<string | undefined> = new Set(['EOPNOTSUPP', 'EINVAL'])

/**
 * Whether the kernel has both flags (Linux 6.9: NFT_TABLE_F_PERSIST). Asked by a table that is made and deleted in one
 * transaction.
 *
 * @throws {NftablesError} when the kernel refuses for another reason
 */
export function canOwnTables(socket: NetlinkSocket): boolean {
  try {
    const probe = new Transaction({ family: 'inet', table: 'sluice_probe' })
    commit(socket, probe.createTable({ flags: OWNED }).deleteTable())
    return true
  } catch (error) {
    if (error instanceof NftablesError && UNKNOWN_FLAGS.has(error.errno)) return false
    throw error
  }
}

/**
 * Takes over tables that an earlier owner has left, before anybody else changes them. One that never had an owner
 * cannot get one: it has to be made anew.
 *
 * @throws {DataplaneError} SLUICE_TABLE_OWNED when another process owns one
 */
export function claimTables(socket: NetlinkSocket, references: readonly TableReference[]): void {
  for (const reference of references) {
    const { family, table: name } = reference
    const found = listTables(socket, family).find(({ table }) => table === name)
    if (found?.owner !== undefined && found.owner !== socket.portId) {
      throw new DataplaneError(
        'SLUICE_TABLE_OWNED',
        `Table ${family} ${name} is owned by another process (netlink port ${found.owner}): end the agent that runs on this node, or wait until it has ended.`,
      )
    }
    if (found?.flags.includes('persist')) {
      commit(socket, new Transaction(reference).addTable({ flags: OWNED }))
    }
  }
}
