import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Connection } from '../../src/netlink/conntrack.ts'
import type { Address } from '../../src/policy/address.ts'
import { address } from '../policy/literals.ts'
import { connectionFrom, NODE, PEERS, POD, World } from './revocation-world.ts'

const [A, B, C] = PEERS as [Address, Address, Address]
let world: World

beforeEach(() => {
  world = new World()
})

describe('a change', () => {
  test('cuts what it forbids, with a bar before, and nothing else', async () => {
    const [forbidden, allowed] = [connectionFrom(A), connectionFrom(B)]
    world.track(forbidden, allowed)
    world.allow(B)
    await world.rest()
    expect(world.deleted).toEqual([forbidden])
    expect(world.barred.map(({ connection }) => connection)).toEqual([forbidden])
    expect(world.tracked).toEqual([allowed])
    expect(world.revokedCounts).toEqual([1])
  })

  test('does not cut what is not touched by it, nor what the node itself began', async () => {
    const elsewhere = address('10.9.9.9')
    const other = connectionFrom(A, { reply: { src: elsewhere, dst: A, sport: 1, dport: 2 } })
    world.track(connectionFrom(NODE), other)
    world.allow()
    await world.rest()
    expect(world.tracked).toHaveLength(2)
    expect(world.errors).toEqual([])
  })

  test('takes bars away from what it allows again', async () => {
    world.track(connectionFrom(A))
    world.allow()
    await world.rest()
    expect(world.barred).toHaveLength(1)
    world.allow(A)
    await world.rest()
    expect(world.barred).toEqual([])
  })

  test('judges a connection through a Service by the pod that it reached', async () => {
    const service = address('10.96.0.1')
    const through = { src: A, dst: service, sport: 4000, dport: 80 }
    world.track(connectionFrom(A, { original: through }))
    world.allow(B)
    await world.rest()
    expect(world.tracked).toEqual([])
  })

  test('cuts what was tracked in the 50 ms after it', async () => {
    world.allow(B)
    await world.rest()
    world.track(connectionFrom(A))
    await world.rest()
    expect(world.tracked).toHaveLength(1)
    world.fire()
    await world.rest()
    expect(world.tracked).toEqual([])
  })

  test('while the timer of another runs is looked at again by a timer of its own', async () => {
    world.allow(B, C)
    await world.rest()
    world.allow(B)
    await world.rest()
    expect(world.timers).toHaveLength(1)
    world.fire()
    await world.rest()
    expect(world.timers).toHaveLength(1)
    world.track(connectionFrom(C))
    world.fire()
    await world.rest()
    expect(world.tracked).toEqual([])
    expect(world.timers).toEqual([])
  })

  test('that follows close upon another shares its look', async () => {
    world.track(connectionFrom(A), connectionFrom(B))
    world.beforePiece = (piece, listing) => {
      if (listing === 0 && piece === 0) world.allow(C)
    }
    world.allow(B, C)
    await world.rest()
    expect(world.tracked).toEqual([])
    // The other one is that of `rest`.
    expect(world.listings).toBe(2)
  })

  test('in the middle of a look cuts what that look has passed, and what it lacks with the next', async () => {
    const [passed, ahead, born] = [connectionFrom(A), connectionFrom(A), connectionFrom(A)]
    const bystanders = Array.from({ length: 9 }, () => connectionFrom(C))
    world.track(passed, ...bystanders, ahead)
    world.beforePiece = (piece, listing) => {
      // The second time nothing is lost, but all is judged again.
      if (listing === 0 && (piece === 2 || piece === 9)) world.allow(B, C)
      if (listing === 0 && piece === undefined) world.track(born)
      if (listing === 1 && piece === 0) expect(world.deleted).toEqual([passed, ahead])
    }
    world.allow(A, B, C)
    await world.rest()
    expect(world.deleted).toEqual([passed, ahead, born])
    expect(world.tracked).toEqual(bystanders)
    expect(world.revokedCounts).toEqual([2, 1])
  })
})

describe('what a helper expected', () => {
  const masterTuple = { src: A, dst: POD, sport: 4000, dport: 21 }
  const master = (): Connection =>
    connectionFrom(A, {
      original: masterTuple,
      reply: { src: POD, dst: A, sport: 21, dport: 4000 },
    })
  /** From the pod, in the direction that no policy forbids. */
  const data = (): Connection =>
    connectionFrom(A, {
      original: { src: POD, dst: A, sport: 20, dport: 5000 },
      reply: { src: A, dst: POD, sport: 5000, dport: 20 },
      master: masterTuple,
    })

  test.each([
    ['before its master', () => [data(), master()]],
    ['behind its master, which is cut first', () => [master(), data()]],
  ])('is cut with its master when it is listed %s', async (_, connections) => {
    world.track(...connections())
    world.allow(B)
    await world.rest()
    expect(world.tracked).toEqual([])
    expect(world.revokedCounts).toEqual([2])
  })

  test('stays when its master may, and is judged by itself when it has none any more', async () => {
    world.track(master(), data())
    world.allow(A)
    await world.rest()
    expect(world.tracked).toHaveLength(2)
    world.tracked = [data()]
    world.allow(B)
    await world.rest()
    expect(world.tracked).toHaveLength(1)
  })
})

describe('addresses that are others’ from now on', () => {
  test('are forgotten in any place, allowed or not', async () => {
    const untouched = connectionFrom(A)
    const translated = { src: POD, dst: B, sport: 53, dport: 9 }
    world.track(connectionFrom(B), connectionFrom(C, { reply: translated }), untouched)
    await world.revocation.forget((one) => one === B)
    expect(world.tracked).toEqual([untouched])
    expect(world.revokedCounts).toEqual([])
    expect(world.barred).toEqual([])
  })

  test('are forgotten by a listing that begins after that was asked', async () => {
    const late = connectionFrom(B)
    world.track(connectionFrom(A), connectionFrom(A))
    const first = world.revocation.forget((one) => one === C)
    await setImmediate()
    const second = world.revocation.forget((one) => one === B)
    world.tracked = [late, ...world.tracked]
    await Promise.all([first, second])
    expect(world.tracked).not.toContain(late)
    expect(world.listings).toBe(2)
  })

  test('several who ask at one time share a listing', async () => {
    await Promise.all(PEERS.map((peer) => world.revocation.forget((one) => one === peer)))
    expect(world.listings).toBe(1)
  })
})

test('a port of the node that leads to a pod takes its flows along, now and 50 ms later', async () => {
  const flow = (sport: number): Connection =>
    connectionFrom(A, {
      original: { src: A, dst: NODE, sport, dport: 53 },
      reply: { src: NODE, dst: A, sport: 53, dport: sport },
    })
  const [here, late, elsewhere] = [flow(1), flow(2), connectionFrom(A)]
  const to = { hostIp: undefined, hostPort: 53, address: POD, containerPort: 5353 }
  world.track(here, elsewhere)
  await world.revocation.divert([{ protocol: 'TCP', ...to }])
  expect(world.listings).toBe(0)
  await world.revocation.divert([{ protocol: 'UDP', ...to }])
  expect(world.tracked).toEqual([elsewhere])
  world.track(late)
  world.fire()
  await world.rest()
  expect(world.tracked).toEqual([elsewhere])
})

test('a listing that fails is told, those who wait for it too, and the next goes well', async () => {
  const lost = new Error('lost')
  world.track(connectionFrom(A), connectionFrom(A))
  world.beforePiece = (piece, listing) => {
    if (listing === 0 && piece === 1) throw lost
  }
  world.allow(B)
  await expect(world.revocation.forget(() => false)).rejects.toBe(lost)
  expect(world.errors).toEqual([lost])
  expect(world.tracked).toHaveLength(1)
  world.fire()
  await world.rest()
  expect(world.tracked).toEqual([])
})

/**
 * Whatever changes and whatever is tracked while looks are under way: nothing is cut that may be, all is cut that may
 * not, and what a listing has is cut before the next one begins.
 */
test('no change waits for a look that is under way', async () => {
  const peers = fc.subarray([...PEERS])
  const event = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'turn' } as const) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('allow'), peers }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('track'), peer: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'fire' } as const) },
  )
  let cutInTime = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 30, maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      async (events, size) => {
        const watched = new World()
        watched.pieceSize = size
        watched.track(...PEERS.map((peer) => connectionFrom(peer)))
        watched.track(...PEERS.map((peer) => connectionFrom(peer)))
        const history = watch(watched)
        for (const one of events) {
          if (one.kind === 'turn') await setImmediate()
          if (one.kind === 'allow') history.allow(one.peers)
          if (one.kind === 'track') {
            const connection = connectionFrom(PEERS[one.peer] ?? A)
            if (watched.mayBegin(connection)) watched.track(connection)
          }
          if (one.kind === 'fire') watched.fire()
        }
        do {
          await watched.rest()
          watched.fire()
          await watched.rest()
        } while (watched.timers.length > 0)
        expect(watched.tracked.filter((one) => !watched.isAllowed(one))).toEqual([])
        expect(watched.wronglyCut).toEqual([])
        expect(watched.errors).toEqual([])
        expect(history.late()).toEqual([])
        cutInTime += history.due()
      },
    ),
    { numRuns: 200 },
  )
  expect(cutInTime).toBeGreaterThan(100)
})

/** Notes which connections have to be cut before a listing begins, and those that are not. */
function watch(watched: World) {
  /** Those that the listing under way has, or the last one had, and that have lost their allowance before its end. */
  let dueNow = new Set<Connection>()
  let listed = new Set<Connection>()
  let isListing = false
  let due = 0
  const late: Connection[] = []
  watched.beforePiece = (piece) => {
    if (piece === 0) {
      late.push(...watched.tracked.filter((one) => dueNow.has(one) && !watched.isAllowed(one)))
      due += dueNow.size
      dueNow = new Set()
      listed = new Set(watched.tracked)
      isListing = true
    }
    if (piece === undefined) isListing = false
  }
  return {
    allow: (peers: readonly Address[]) => {
      const before = watched.tracked.filter((one) => watched.isAllowed(one))
      watched.allow(...peers)
      for (const one of dueNow) if (watched.isAllowed(one)) dueNow.delete(one)
      const lost = before.filter((one) => !watched.isAllowed(one))
      if (isListing) for (const one of lost) if (listed.has(one)) dueNow.add(one)
    },
    late: () => late,
    due: () => due,
  }
}
