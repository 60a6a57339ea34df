import { setImmediate } from 'node:timers/promises'
import { judgedFlow } from '../../src/dataplane/judge-connection.ts'
import type { Revoked } from '../../src/dataplane/look.ts'
import { Revocation } from '../../src/dataplane/revocation.ts'
import type { Connection } from '../../src/netlink/conntrack.ts'
import type { ConnectionPiece } from '../../src/netlink/connection-pieces.ts'
import type { Address } from '../../src/policy/address.ts'
import type { AddressFlow } from '../../src/policy/decide.ts'
import type { ClassId, PortSetId, Tables } from '../../src/policy/tables.ts'
import { address } from '../policy/literals.ts'

export const POD = address('10.1.0.1')
export const NODE = address('192.168.0.1')
export const PEERS = [1, 2, 3, 4].map((number) => address(`10.2.0.${number}`))
const ALL = 0x8000_0001 as PortSetId
const NONE = 0x8000_0002 as PortSetId
const UDP = 17

/** A kernel that tracks connections, a pod that lets some peers in, and what revocation does about it. */
export class World {
  tracked: Connection[] = []
  allowed: ReadonlySet<Address> = new Set(PEERS)
  readonly barred: Revoked[] = []
  readonly deleted: Connection[] = []
  /** Cut although they might be. */
  readonly wronglyCut: Revoked[] = []
  readonly revokedCounts: number[] = []
  readonly errors: unknown[] = []
  /** Listings that have begun. */
  listings = 0
  /** Entries of a piece. */
  pieceSize = 1
  /** Called before each piece of each listing, and with `undefined` at its end. */
  beforePiece: (piece: number | undefined, listing: number) => void = () => {}
  timers: (() => void)[] = []
  readonly revocation = new Revocation({
    pieces: () => this.#list(),
    delete: (connections) => {
      this.deleted.push(...connections)
      this.tracked = this.tracked.filter((one) => !connections.some(({ id }) => id === one.id))
    },
    bar: (revoked) => {
      this.barred.push(...revoked)
      this.wronglyCut.push(...revoked.filter(({ connection }) => this.isAllowed(connection)))
    },
    unbar: (isCovered) => this.#unbar(isCovered),
    mendBars: async () => 0,
    tables: () => this.#tables(),
    ownAddresses: () => new Set([NODE]),
    yieldToOthers: () => setImmediate(),
    onRevoked: (count) => this.revokedCounts.push(count),
    setTimer: (callback) => void this.timers.push(callback),
    onError: (error) => this.errors.push(error),
  })

  track(...connections: readonly Connection[]): void {
    this.tracked = [...this.tracked, ...connections]
  }

  /** Lets these in, and nobody else. */
  allow(...peers: readonly Address[]): void {
    this.allowed = new Set(peers)
    this.revocation.sweep(new Set([POD]))
  }

  /** Until all looks have ended that have been asked for; timers wait for `fire`. */
  async rest(): Promise<void> {
    await this.revocation.forget(() => false)
    // That may have been part of a look which has caused another.
    await this.revocation.forget(() => false)
  }

  /** The kernel tracks one that is forbidden only when its packet has been on the way during the change. */
  mayBegin(connection: Connection): boolean {
    return this.isAllowed(connection) || this.timers.length > 0
  }

  /** What is due 50 ms later, all at once. */
  fire(): void {
    for (const callback of this.timers.splice(0)) callback()
  }

  isAllowed(connection: Connection): boolean {
    return this.allowed.has(judgedFlow(connection).from)
  }

  /** Walks the table as it is at each piece, as the kernel does. */
  async *#list(): AsyncGenerator<ConnectionPiece, void, undefined> {
    const listing = this.listings++
    const seen = new Set<number | undefined>()
    for (let piece = 0; ; piece++) {
      this.beforePiece(piece, listing)
      const some = this.tracked.filter(({ id }) => !seen.has(id)).slice(0, this.pieceSize)
      if (some.length === 0) break
      for (const { id } of some) seen.add(id)
      yield some.map((one) => ({
        ...one,
        isExpected: one.master !== undefined,
        decode: () => one,
      }))
      await setImmediate()
    }
    this.beforePiece(undefined, listing)
  }

  #unbar(isCovered: (flow: AddressFlow) => boolean): void {
    const left = this.barred.filter(({ flow }) => !isCovered(flow))
    this.barred.splice(0, this.barred.length, ...left)
  }

  #tables(): Tables {
    const classes = PEERS.map((peer, index) => [peer, (20 + index) as ClassId] as const)
    const rows = new Map(
      classes.flatMap(([peer, id]) => (this.allowed.has(peer) ? [[id, ALL]] : [])),
    )
    const portSet = { kind: 'allow', protocols: [], ranges: [] } as const
    return {
      portSets: new Map([
        [ALL, { ...portSet, all: true }],
        [NONE, { ...portSet, all: false }],
      ]),
      podClasses: new Map(classes),
      blockClasses: { 4: [], 6: [] },
      subjects: { ingress: new Map([[POD, { default: NONE, rows }]]), egress: new Map() },
    }
  }
}

let lastId = 0

/** A flow to the pod. */
export function connectionFrom(src: Address, overrides: Partial<Connection> = {}): Connection {
  const id = ++lastId
  return {
    family: 4,
    protocol: UDP,
    original: { src, dst: POD, sport: id, dport: 53 },
    reply: { src: POD, dst: src, sport: 53, dport: id },
    zone: 0,
    id,
    status: 0,
    mark: 0,
    timeoutSeconds: 30,
    master: undefined,
    ...overrides,
  }
}
