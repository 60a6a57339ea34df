import type { Connection } from '../netlink/conntrack.ts'
import type { ConnectionPiece } from '../netlink/connection-pieces.ts'
import type { ConnectionEnds, TupleEnds } from '../netlink/listed-connection.ts'
import type { Address } from '../policy/address.ts'
import type { AddressFlow } from '../policy/decide.ts'
import type { Tables } from '../policy/tables.ts'
import { bothTouched, type Touched } from './dataplane.ts'
import { isCovered, judgedFlow } from './judge-connection.ts'
import { Rereader } from './rereader.ts'

export interface LookParts {
  /** Every connection that the kernel tracks, piece by piece. Called when the last listing has ended. */
  readonly pieces: () => AsyncIterable<ConnectionPiece>
  /** Takes entries away; those that are gone already are passed over. */
  readonly delete: (connections: readonly Connection[]) => void
  /** Keeps these from coming back to life by a packet from the other side. */
  readonly bar: (revoked: readonly Revoked[]) => void
  /** Lets those come back that verdicts cover again. */
  readonly unbar: (isCoveredNow: (flow: AddressFlow) => boolean) => void
  /** What the kernel enforces now. */
  readonly tables: () => Tables
  /** Of this node: what it sends itself is never policy. */
  readonly ownAddresses: () => ReadonlySet<Address>
  readonly yieldToOthers: () => Promise<void>
  /** Told once a look. */
  readonly onRevoked: (count: number) => void
}

/** A connection that verdicts do not cover, and as what it was judged. */
export interface Revoked {
  readonly connection: Connection
  readonly flow: AddressFlow
}

/** One look at all connections. Cuts what is no longer allowed, and removes what is not to be tracked any more. */
export class Look {
  readonly #parts: LookParts
  readonly #reader: Rereader<HeldPiece>
  readonly #removals: ((connection: ConnectionEnds) => boolean)[] = []
  readonly #end = Promise.withResolvers<void>()
  #touched: Touched = new Set()
  #revoked = 0
  #hasBegun = false
  #hasExpected = false

  constructor(parts: LookParts) {
    this.#parts = parts
    this.#reader = new Rereader((piece) => this.#read(piece), parts.yieldToOthers)
    // Those who ask for removals wait for it; often nobody does.
    this.#end.promise.catch(() => undefined)
  }

  /**
   * Judges connections of these addresses as well. In the middle of the look, those that have been passed are judged
   * again, but what is tracked since it began may be missing; at its end it is too late.
   *
   * @returns whether it does as well as a look that begins now: nothing has been passed yet. The kernel may have been
   *   a millisecond or two ahead.
   */
  judge(touched: Touched): boolean {
    this.#touched = bothTouched(this.#touched, touched)
    this.#reader.again()
    return !this.#hasBegun
  }

  /** Removes what `which` says, whatever verdicts are. To be asked before the look begins; resolves when it ends. */
  remove(which: (connection: ConnectionEnds) => boolean): Promise<void> {
    this.#removals.push(which)
    return this.#end.promise
  }

  /** Once. Rejects when the kernel refuses or what it lists is damaged, after what could be done was done. */
  async run(): Promise<void> {
    try {
      if (this.#touched === 'all' || this.#touched.size > 0) this.#parts.unbar(this.#judgement())
      await this.#reader.readAll(held(this.#parts.pieces()))
      if (this.#hasExpected) await this.#judgeExpected()
      this.#end.resolve()
    } catch (error) {
      this.#end.reject(error)
      throw error
    } finally {
      if (this.#revoked > 0) this.#parts.onRevoked(this.#revoked)
    }
  }

  #read({ entries, gone }: HeldPiece): void {
    this.#hasBegun = true
    const isAllowed = this.#judgement()
    const revoked = new Map<number, Revoked>()
    const removed = new Map<number, Connection>()
    let place = -1
    for (const entry of entries) {
      place += 1
      if (gone.has(place)) continue
      if (entry.isExpected) this.#hasExpected = true
      const flow = judgedFlow(entry)
      if (!entry.isExpected && this.#concerns(flow) && !isAllowed(flow)) {
        revoked.set(place, { connection: entry.decode(), flow })
      } else if (this.#removals.some((which) => which(entry))) {
        removed.set(place, entry.decode())
      }
    }
    this.#cut([...revoked.values()])
    if (removed.size > 0) this.#parts.delete([...removed.values()])
    for (const one of [...revoked.keys(), ...removed.keys()]) gone.add(one)
  }

  /**
   * A connection that a helper expected (FTP data) is judged as its master, which may be anywhere in the listing;
   * as itself when there is none any more.
   */
  async #judgeExpected(): Promise<void> {
    const children: Connection[] = []
    const masters = new Map<string, AddressFlow | undefined>()
    for await (const { entries } of this.#piecesAgain()) {
      for (const entry of entries) {
        if (!entry.isExpected) continue
        const child = entry.decode()
        children.push(child)
        if (child.master !== undefined) masters.set(keyOf(child.master), undefined)
      }
    }
    for await (const { entries } of this.#piecesAgain()) {
      for (const entry of entries) {
        const key = keyOf(entry.original)
        if (masters.has(key)) masters.set(key, judgedFlow(entry))
      }
    }
    const isAllowed = this.#judgement()
    const judged = children.map((connection) => {
      const { master } = connection
      const flow = (master && masters.get(keyOf(master))) ?? judgedFlow(connection)
      return { connection, flow }
    })
    this.#cut(judged.filter(({ flow }) => this.#concerns(flow) && !isAllowed(flow)))
  }

  async *#piecesAgain(): AsyncGenerator<HeldPiece, void, undefined> {
    for (const piece of this.#reader.done) {
      yield piece
      await this.#parts.yieldToOthers()
    }
  }

  #concerns({ from, to }: AddressFlow): boolean {
    return this.#touched === 'all' || this.#touched.has(from) || this.#touched.has(to)
  }

  /** By what the kernel enforces now. The node's addresses are only asked for when there is something to cut. */
  #judgement(): (flow: AddressFlow) => boolean {
    const tables = this.#parts.tables()
    let own: ReadonlySet<Address> | undefined
    const isOwn = (address: Address): boolean => {
      own ??= this.#parts.ownAddresses()
      return own.has(address)
    }
    return (flow) => isCovered(flow, tables, isOwn)
  }

  #cut(revoked: readonly Revoked[]): void {
    if (revoked.length === 0) return
    // The bar comes first: an entry that is gone may be made anew by the next packet.
    this.#parts.bar(revoked)
    this.#parts.delete(revoked.map(({ connection }) => connection))
    this.#revoked += revoked.length
  }
}

/** A piece that may be read again. */
interface HeldPiece {
  readonly entries: ConnectionPiece
  /** Places of entries that have been deleted. */
  readonly gone: Set<number>
}

async function* held(
  pieces: AsyncIterable<ConnectionPiece>,
): AsyncGenerator<HeldPiece, void, undefined> {
  for await (const entries of pieces) yield { entries, gone: new Set() }
}

function keyOf({ src, dst, sport, dport }: TupleEnds): string {
  return `${src} ${dst} ${sport} ${dport}`
}
