import { expect, test } from 'vitest'
import { matchesFilter } from '../../src/flows/flow-filter.ts'
import { FlowLog } from '../../src/flows/flow-log.ts'
import type { LoggedPacket } from '../../src/flows/logged-packet.ts'
import { ip4 } from '../../src/policy/address.ts'
import { flowTo } from './flow-to.ts'

const FOLD_MS = 1000
/** Packets to this port are of no interest. */
const NOBODYS = 9

function scene(capacity: number) {
  const clock = { now: 0 }
  const told: string[] = []
  const log = new FlowLog({
    capacity,
    foldMs: FOLD_MS,
    now: () => clock.now,
    describe: ({ packet: { destinationPort: port = 0 } }, at) =>
      port === NOBODYS ? undefined : flowTo(port, at),
    onFlow: ({ port, packets }, is) => told.push(`${is} ${port} ${packets}`),
  })
  return { clock, told, log }
}

/** Every attempt has another source port. */
let sourcePort = 30_000

function packetTo(port: number): LoggedPacket {
  const [source, destination] = [ip4(1), ip4(2)]
  sourcePort += 1
  const packet = { source, destination, protocol: 6, sourcePort, destinationPort: port }
  return { verdict: 'deny', direction: 'ingress', sequence: undefined, packet }
}

test('repetitions are told once at the end, with their number', () => {
  const { clock, told, log } = scene(10)
  for (const at of [0, 10, 20]) {
    clock.now = at
    log.note(packetTo(80))
  }
  log.note(packetTo(81))
  expect(told).toEqual(['new 80 1', 'new 81 1'])
  expect(log.recent().map(({ port, packets, lastAt }) => [port, packets, lastAt])).toEqual([
    [80, 3, new Date(20).toISOString()],
    [81, 1, new Date(20).toISOString()],
  ])
  clock.now = FOLD_MS
  log.settle()
  expect(told).toEqual(['new 80 1', 'new 81 1', 'repeated 80 3'])
  log.note(packetTo(80))
  expect(told.at(-1)).toBe('new 80 1')
  expect(log.recent()).toHaveLength(3)
})

test('what cannot be described leaves no trace', () => {
  const { told, log } = scene(10)
  log.note(packetTo(NOBODYS))
  expect([told, log.recent()]).toEqual([[], []])
})

test('memory is bounded: the oldest flow makes room, and is told what it was', () => {
  const { told, log } = scene(3)
  log.note(packetTo(1))
  log.note(packetTo(1))
  for (const port of [2, 3, 4, 5]) log.note(packetTo(port))
  expect(log.recent().map(({ port }) => port)).toEqual([3, 4, 5])
  expect(told).toEqual(['new 1 1', 'new 2 1', 'new 3 1', 'repeated 1 2', 'new 4 1', 'new 5 1'])
})

test.each([
  [{}, true],
  [{ pod: 'web-0' }, true],
  [{ pod: 'shop/web-0' }, true],
  [{ pod: 'other/web-0' }, false],
  [{ namespace: 'shop' }, true],
  [{ namespace: 'web' }, false],
  [{ verdict: 'allow' as const }, false],
  [{ verdict: 'deny' as const, port: 80 }, true],
  [{ port: 81 }, false],
])('filter %o', (filter, expected) => {
  expect(matchesFilter(flowTo(80, 0), filter)).toBe(expected)
})
