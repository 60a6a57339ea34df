import type { Connection } from '../netlink/conntrack.ts'
import type { Address } from '../policy/address.ts'
import type { Tables } from '../policy/tables.ts'
import { endsOf, isCovered } from './judge-connection.ts'
import { PROTOCOL_NUMBERS } from './protocols.ts'

export interface RevocationParts {
  readonly connections: () => Iterable<Connection>
  readonly delete: (connection: Connection) => void
  /** Keeps the reply tuples of these from coming back to life. */
  readonly cut: (connections: readonly Connection[]) => void
  /** What the kernel enforces now. */
  readonly tables: () => Tables
  readonly ownAddresses: () => ReadonlySet<Address>
  readonly setTimer: (callback: () => void, delayMs: number) => void
  readonly onRevoked: (connections: readonly Connection[]) => void
  readonly onError: (error: unknown) => void
}

/**
 * A packet can be between the policy program and the confirmation of its connection while a change is
 * committed; it appears in the table a moment after the first look.
 */
const SECOND_LOOK_MS = 50

/** Cuts tracked connections that the verdicts in force no longer cover. */
export class Revocation {
  readonly #parts: RevocationParts
  #pending: Set<Address> | 'all' = new Set()
  #timer = false

  constructor(parts: RevocationParts) {
    this.#parts = parts
  }

  /** After a commit: looks at all connections of these addresses, at once and again a little later. */
  sweep(touched: ReadonlySet<Address> | 'all'): void {
    if (touched !== 'all' && touched.size === 0) return
    this.#look(touched)
    this.#pending =
      touched === 'all' || this.#pending === 'all' ? 'all' : this.#pending.union(touched)
    if (this.#timer) return
    this.#timer = true
    this.#parts.setTimer(() => this.#lookAgain(), SECOND_LOOK_MS)
  }

  /** Before an address is another pod's: nothing that was tracked for the last one may reach it. */
  forget(addresses: ReadonlySet<Address>): void {
    for (const connection of this.#parts.connections()) {
      const { original, reply } = connection
      const four = [original.src, original.dst, reply.src, reply.dst]
      if (four.some((address) => addresses.has(address))) this.#parts.delete(connection)
    }
  }

  #lookAgain(): void {
    const touched = this.#pending
    this.#timer = false
    this.#pending = new Set()
    try {
      this.#look(touched)
    } catch (error) {
      this.#parts.onError(error)
    }
  }

  #look(touched: ReadonlySet<Address> | 'all'): void {
    const tables = this.#parts.tables()
    const own = this.#parts.ownAddresses()
    const revoked: Connection[] = []
    for (const connection of this.#parts.connections()) {
      const { from, to } = endsOf(connection)
      if (touched !== 'all' && !touched.has(from) && !touched.has(to)) continue
      if (!isCovered(connection, tables, own)) revoked.push(connection)
    }
    if (revoked.length === 0) return
    // A cut TCP connection is refused in its middle from both sides; everything else needs its tuple barred
    // before the entry goes, or the next datagram of the other side makes a new one.
    this.#parts.cut(revoked.filter(({ protocol }) => protocol !== PROTOCOL_NUMBERS.TCP))
    for (const connection of revoked) this.#parts.delete(connection)
    this.#parts.onRevoked(revoked)
  }
}
