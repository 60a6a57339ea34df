import type { Connection } from '../netlink/conntrack.ts'
import type { ListedElement } from '../nftables/read-elements.ts'
import type { AnyElement, SetNode } from '../nftables/set.ts'
import { Transaction } from '../nftables/transaction.ts'
import { type Address, type Family, ip4, ip6 } from '../policy/address.ts'
import type { AddressFlow } from '../policy/decide.ts'
import { judgedFlow } from './judge-connection.ts'
import type { Revoked } from './look.ts'
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
  readonly #barred = new Map<string, Revoked & { readonly untilMs: number }>()

  constructor(commit: (transaction: Transaction) => void, now: () => number) {
    this.#commit = commit
    this.#now = now
  }

  add(revoked: readonly Revoked[]): void {
    const revivable = revoked.filter(({ connection }) => REVIVABLE.has(connection.protocol))
    if (revivable.length === 0) return
    const transaction = new Transaction(tableReference('sluice'))
    for (const { connection, flow } of revivable) {
      const { set, element } = elementOf(connection)
      const elements = [{ ...element, timeoutMs: BAR_MS }]
      transaction.operations.push({ kind: 'addElements', set, elements, exclusive: false })
      const untilMs = this.#now() + BAR_MS
      this.#barred.set(keyOf(connection), { connection, flow, untilMs })
    }
    this.#commit(transaction)
  }

  /** Takes over what an earlier agent has barred, as elements of the family's set. */
  adopt(family: Family, elements: readonly ListedElement[]): void {
    for (const element of elements) {
      const connection = connectionOf(family, element)
      if (connection === undefined) continue
      const untilMs = this.#now() + (element.expiresMs ?? BAR_MS)
      this.#barred.set(keyOf(connection), { connection, flow: judgedFlow(connection), untilMs })
    }
  }

  /**
   * Puts back what has to be barred of a family, and takes away what has not.
   *
   * @param held elements of the family's set
   * @returns how many were wrong
   */
  mend(family: Family, held: readonly ListedElement[]): number {
    const set: SetNode = sets.cut[family]
    const wanted = this.#elementsOf(family)
    const surplus = held.flatMap(({ key }) => (wanted.has(String(key)) ? [] : [{ key }]))
    for (const { key } of held) wanted.delete(String(key))
    const missing = [...wanted.values()]
    if (surplus.length + missing.length === 0) return 0
    const transaction = new Transaction(tableReference('sluice'))
    if (surplus.length > 0) transaction.destroyElements(set, surplus)
    transaction.operations.push({ kind: 'addElements', set, elements: missing, exclusive: false })
    this.#commit(transaction)
    return surplus.length + missing.length
  }

  /** By key: what is barred now, for as long as is left. */
  #elementsOf(family: Family): Map<string, AnyElement> {
    const elements = new Map<string, AnyElement>()
    for (const { connection, untilMs } of this.#barred.values()) {
      const timeoutMs = Math.ceil(untilMs - this.#now())
      if (connection.family !== family || timeoutMs <= 0) continue
      const { element } = elementOf(connection)
      elements.set(String(element.key), { ...element, timeoutMs })
    }
    return elements
  }

  /** Takes away the bars of flows that may be again. */
  remove(mayBe: (flow: AddressFlow) => boolean): void {
    for (const [key, { connection, flow, untilMs }] of this.#barred) {
      const expired = this.#now() >= untilMs
      if (!expired && !mayBe(flow)) continue
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

/** What an element bars, as far as a verdict asks for it; undefined for one that is none of ours. */
function connectionOf(family: Family, { key }: ListedElement): Connection | undefined {
  if (!Array.isArray(key)) return undefined
  const [from, to, protocol, sport, dport] = key
  const [src, dst] = [addressOf(from), addressOf(to)]
  if (src === undefined || dst === undefined) return undefined
  if (typeof protocol !== 'number' || typeof sport !== 'number' || typeof dport !== 'number') {
    return undefined
  }
  const original = { src: dst, dst: src, sport: dport, dport: sport }
  const unknown = { zone: 0, id: undefined, status: 0, mark: 0, timeoutSeconds: 0 }
  const reply = { src, dst, sport, dport }
  return { family, protocol, original, reply, master: undefined, ...unknown }
}

function addressOf(value: unknown): Address | undefined {
  if (typeof value === 'number') return ip4(value)
  return typeof value === 'bigint' ? ip6(value) : undefined
}

function keyOf({ protocol, reply }: Connection): string {
  return [reply.src, reply.dst, protocol, reply.sport, reply.dport].join(' ')
}
