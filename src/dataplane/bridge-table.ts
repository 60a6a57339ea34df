import { createHash } from 'node:crypto'
import type { NetlinkSocket } from '../netlink/socket.ts'
import { getElements } from '../nftables/get-elements.ts'
import { listElements, listTables } from '../nftables/list.ts'
import type { AnyElement, SetNode } from '../nftables/set.ts'
import { Transaction } from '../nftables/transaction.ts'
import { type Address, familyOf } from '../policy/address.ts'
import { bridgeProgram, bridgeSets } from './bridge-program.ts'
import { DataplaneError } from './errors.ts'
import { OWNED } from './own-tables.ts'
import { baseOf } from './table.ts'

/** A pod on a bridge that others made. */
export interface BridgedPod {
  /** The node's end of its link. */
  readonly port: string
  readonly mac: string
  readonly addresses: readonly Address[]
}

export interface BridgeTableParts {
  /** @throws when the kernel refuses; nothing of the transaction is then in force. */
  readonly commit: (transaction: Transaction) => void
  /** For reading. */
  readonly socket: NetlinkSocket
  /** Whether the table is made so that only the socket which commits may change it. */
  readonly ownsTables: boolean
}

export const BRIDGE_TABLE = { family: 'bridge', table: 'sluice' } as const

/** Anti-spoofing of pods on bridges: `table bridge sluice`, made when the first such pod comes. */
export class BridgeTable {
  readonly #parts: BridgeTableParts
  readonly #pods = new Map<string, BridgedPod>()
  #isThere = false

  constructor(parts: BridgeTableParts) {
    this.#parts = parts
  }

  /**
   * Takes over what an earlier agent left, so that exactly these pods are in it. Of another program version nothing
   * is kept: for the moment of the exchange pods may send what they like, which policy then judges by its source.
   *
   * @throws {DataplaneError}
   */
  async open(pods: readonly BridgedPod[]): Promise<void> {
    const { socket, ownsTables } = this.#parts
    const found = listTables(socket, 'bridge').find(({ table }) => table === BRIDGE_TABLE.table)
    const isOwned = found?.flags.includes('owner') === true
    this.#isThere = found?.comment === COMMENT && (isOwned || !ownsTables)
    if (found !== undefined && !this.#isThere) {
      this.#commit(new Transaction(BRIDGE_TABLE).deleteTable())
    }
    const held = this.#isThere ? await heldElements(socket) : []
    const wanted = pods.flatMap(elementsOf)
    this.#change(missingIn(wanted, held), missingIn(held, wanted))
    for (const pod of pods) this.#pods.set(pod.port, pod)
  }

  /** From here on the port sends with its pod's addresses only. @throws {DataplaneError} */
  add(pod: BridgedPod): void {
    const before = this.#elementsAt(pod.port)
    const after = elementsOf(pod)
    this.#change(missingIn(after, before), missingIn(before, after))
    this.#pods.set(pod.port, pod)
  }

  /** May be repeated. @throws {DataplaneError} */
  remove(port: string): void {
    this.#change([], this.#elementsAt(port))
    this.#pods.delete(port)
  }

  /** A sentence for each element of the pod that the kernel lacks. */
  check(pod: BridgedPod): string[] {
    return elementsOf(pod)
      .filter(
        ({ set, element }) =>
          getElements(this.#parts.socket, BRIDGE_TABLE, set, [element]).length === 0,
      )
      .map(({ set }) => `The set ${set.name} of table bridge sluice lacks its port ${pod.port}`)
  }

  #elementsAt(port: string): Placed[] {
    const pod = this.#pods.get(port)
    return pod === undefined ? [] : elementsOf(pod)
  }

  #change(added: readonly Placed[], removed: readonly Placed[]): void {
    if (added.length === 0 && removed.length === 0) return
    const transaction = new Transaction(BRIDGE_TABLE)
    if (!this.#isThere) createIn(transaction, this.#parts.ownsTables)
    // Somebody may have taken them away already.
    for (const { set, element } of removed) transaction.destroyElements(set, [element])
    for (const { set, element } of added) transaction.addElements(set, [element])
    this.#commit(transaction)
    this.#isThere = true
  }

  #commit(transaction: Transaction): void {
    try {
      this.#parts.commit(transaction)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new DataplaneError(
        'SLUICE_COMMIT_REFUSED',
        `The kernel refused a change to table bridge sluice, which keeps pods on bridges from sending with the addresses of others: ${reason}`,
        { cause },
      )
    }
  }
}

/** An element and where it belongs. */
interface Placed {
  readonly set: SetNode
  readonly element: AnyElement
}

const { ports, macs, addresses } = bridgeSets
const ALL_SETS: readonly SetNode[] = [ports, macs, addresses[4], addresses[6]]

/** Two agents with the same program can hand the table over. */
const COMMENT = `sluice bridge program ${createHash('sha256')
  .update(
    JSON.stringify([ALL_SETS, bridgeProgram], (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    ),
  )
  .digest('hex')
  .slice(0, 16)}`

function createIn(transaction: Transaction, isOwned: boolean): void {
  const flags = isOwned ? { flags: OWNED } : {}
  transaction.createTable({ comment: COMMENT, ...flags }).addCounter('spoofed')
  for (const set of ALL_SETS) transaction.createSet(set)
  for (const chain of bridgeProgram) transaction.createChain(chain.name, baseOf(chain))
  for (const { name, rules } of bridgeProgram) {
    for (const rule of rules) transaction.addRule(name, rule)
  }
}

/** The port comes last: once it is there, the others are asked for. */
function elementsOf({ port, mac, addresses: own }: BridgedPod): Placed[] {
  return [
    { set: macs, element: { key: [port, mac] } },
    ...own.map((address) => ({
      set: addresses[familyOf(address)],
      element: { key: [port, address] },
    })),
    { set: ports, element: { key: port } },
  ]
}

async function heldElements(socket: NetlinkSocket): Promise<Placed[]> {
  const held: Placed[] = []
  for (const set of ALL_SETS) {
    const elements = await listElements(socket, BRIDGE_TABLE, set)
    for (const { key } of elements) held.push({ set, element: { key } })
  }
  return held
}

function missingIn(some: readonly Placed[], others: readonly Placed[]): Placed[] {
  const there = new Set(others.map(nameOf))
  return some.filter((one) => !there.has(nameOf(one)))
}

function nameOf({ set, element }: Placed): string {
  return `${set.name} ${String(element.key)}`
}
