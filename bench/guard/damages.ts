import { sets } from '../../src/dataplane/sets.ts'
import type { NetlinkSocket } from '../../src/netlink/socket.ts'
import { getElements } from '../../src/nftables/get-elements.ts'
import { listRules } from '../../src/nftables/list.ts'
import { Transaction } from '../../src/nftables/transaction.ts'
import type { Address } from '../../src/policy/address.ts'

export interface Damage {
  readonly name: string
  /** Each lets packets pass that policy denies. */
  readonly transaction: () => Transaction
  /** Whether the kernel has it back. */
  readonly isMended: (socket: NetlinkSocket) => boolean
}

const TABLE = { family: 'inet', table: 'sluice' } as const

/** What somebody else may do to the table of a node. @param server a pod under policy; @param rules of chain forward */
export function damages(server: Address, rules: number): readonly Damage[] {
  const member = { key: server }
  const members = sets.members.ingress[4]
  const hasRules = (socket: NetlinkSocket): boolean =>
    listRules(socket, TABLE, 'forward').length === rules
  return [
    {
      name: 'an element',
      transaction: () => {
        const transaction = new Transaction(TABLE)
        transaction.operations.push({ kind: 'deleteElements', set: members, elements: [member] })
        return transaction
      },
      isMended: (socket) => getElements(socket, TABLE, members, [member]).length === 1,
    },
    {
      name: 'the rules of a chain',
      transaction: () => new Transaction(TABLE).flushChain('forward'),
      isMended: hasRules,
    },
    {
      name: 'the table',
      transaction: () => new Transaction(TABLE).deleteTable(),
      isMended: hasRules,
    },
  ]
}
