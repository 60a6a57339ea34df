import type { Connection } from '../netlink/conntrack.ts'
import type { AnyElement, SetNode } from '../nftables/set.ts'
import { Transaction } from '../nftables/transaction.ts'
import { sets } from './sets.ts'
import { tableReference } from './table.ts'

/** Longer than conntrack keeps an idle UDP stream (nf_conntrack_udp_timeout_stream: 120 s). */
const BAR_MS = 180_000

/**
 * Protocols with ports, UDP, UDP-Lite and SCTP, whose revoked flows one packet from the server would bring
 * back: it would begin a connection of its own in the other direction, and the client's packets would be
 * its replies. TCP's is refused as one from the middle of a stream; an ICMP reply begins nothing.
 */
const REVIVABLE = new Set([17, 136, 132])

/** Reply tuples that `forward` drops for a while, in `cut4` and `cut6`. */
export class Bars {
  readonly #commit: (transaction: Transaction) => void
  /** Milliseconds of a clock that does not jump. */
  readonly #now: () => number
  readonly #barred = new Map<string, { connection: Connection; untilMs: number }>()

  constructor(commit: (transaction: Transaction) => void, now: () => number) {
    this.#commit = commit
    this.#now = now
  }

  add(connections: readonly Connection[]): void {
    const revivable = connections.filter(({ protocol }) => REVIVABLE.has(protocol))
    if (revivable.length === 0) return
    const transaction = new Transaction(tableReference('sluice'))
    for (const connection of revivable) {
      const { set, element } = elementOf(connection)
      const elements = [{ ...element, timeoutMs: BAR_MS }]
      transaction.operations.push({ kind: 'addElements', set, elements, exclusive: false })
      const untilMs = this.#now() + BAR_MS
      this.#barred.set(keyOf(connection), { connection, untilMs })
    }
    this.#commit(transaction)
  }

  /** Takes away the bars of connections that may be again. */
  remove(mayBe: (connection: Connection) => boolean): void {
    for (const [key, { connection, untilMs }] of this.#barred) {
      const expired = this.#now() >= untilMs
      if (!expired && !mayBe(connection)) continue
      this.#barred.delete(key)
      if (!expired) this.#delete(connection)
    }
  }

  /** `destroy`, since it may have expired in this moment. */
  #delete(connection: Connection): void {
    const { set, element } = elementOf(connection)
    this.#commit(new Transaction(tableReference('sluice')).destroyElements(set, [element]))
  }
}

/** The tuple of packets from the server, as `forward` sees them. */
function elementOf({ family, protocol, reply }: Connection): {
  set: SetNode
  element: AnyElement
} {
  const key = [reply.src, reply.dst, protocol, reply.sport, reply.dport]
  return { set: sets.cut[family], element: { key } }
}

function keyOf({ protocol, reply }: Connection): string {
  return [reply.src, reply.dst, protocol, reply.sport, reply.dport].join(' ')
}
