import { NetlinkError, NetlinkSocketError } from '../netlink/errors.ts'
import { NftablesError } from '../nftables/errors.ts'
import type { Transaction } from '../nftables/transaction.ts'
import type { Instruments } from './instruments.ts'

export type Commit = (transaction: Transaction) => void

export interface MeasureParts {
  readonly instruments: Pick<
    Instruments,
    'transactionSeconds' | 'transactionElements' | 'transactionFailures'
  >
  /** Milliseconds, never going back. */
  readonly uptime: () => number
}

/** The same, counted: how long transactions take, how large they are, why they fail. */
export function measureCommit(commit: Commit, { instruments, uptime }: MeasureParts): Commit {
  const { transactionSeconds, transactionElements, transactionFailures } = instruments
  return (transaction) => {
    const begun = uptime()
    try {
      commit(transaction)
    } catch (error) {
      const reason = reasonOf(error)
      transactionFailures.set(reason, (transactionFailures.get(reason) ?? 0) + 1)
      throw error
    }
    transactionSeconds.observe((uptime() - begun) / 1000)
    transactionElements.observe(elementsIn(transaction))
  }
}

/** A short word of which there are few: the kernel's name of the error, or what went wrong on the way there. */
function reasonOf(error: unknown): string {
  if (error instanceof NftablesError) return error.errno ?? error.code
  if (error instanceof NetlinkError || error instanceof NetlinkSocketError) return error.code
  return 'other'
}

function elementsIn({ operations }: Transaction): number {
  let elements = 0
  for (const operation of operations) {
    if ('elements' in operation) elements += operation.elements.length
  }
  return elements
}
