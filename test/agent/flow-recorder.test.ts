import { pino } from 'pino'
import { expect, test } from 'vitest'
import { FlowRecorder } from '../../src/agent/flow-recorder.ts'
import type { Flow } from '../../src/flows/flow.ts'
import type { LoggedPacket } from '../../src/flows/logged-packet.ts'
import { NetlinkSocketError } from '../../src/netlink/errors.ts'
import type { Subscriber } from '../../src/netlink/subscribe.ts'
import { flowTo } from '../flows/flow-to.ts'
import { loggedMessage } from '../flows/logged-message.ts'

const MINUTE_MS = 60_000

function scene({
  describe = ({ verdict }, at) => ({ ...flowTo(80, at), verdict }),
  logAllowed,
  refusal,
}: {
  describe?: (packet: LoggedPacket, at: number) => Flow | undefined
  logAllowed?: number
  refusal?: Error
} = {}) {
  const clock = { now: 0 }
  const lines: { event: string; msg: string; packets: number }[] = []
  const done: string[] = []
  let subscriber: Subscriber | undefined
  let settle: (() => void) | undefined
  const recorder = new FlowRecorder({
    followLog: (follower) => {
      if (refusal !== undefined) throw refusal
      subscriber = follower
      return { close: () => done.push('closed') }
    },
    sampleAllowed: (oneIn) => {
      done.push(`sample ${oneIn}`)
      return { close: () => done.push('sampled') }
    },
    describe,
    now: () => clock.now,
    setInterval: (callback) => {
      settle = callback
      return { stop: () => done.push('stopped') }
    },
    log: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }),
    logAllowed,
  })
  let sequence = 0
  return {
    recorder,
    lines,
    done,
    packet: (prefix = 'sluice:ingress') =>
      subscriber?.onMessage(loggedMessage({ prefix, sequence: sequence++ })),
    overrun: () => subscriber?.onLost(new NetlinkSocketError('NETLINK_LOST', 'full')),
    after: (ms: number) => {
      clock.now += ms
      settle?.()
    },
  }
}

test('a flow is one line when it begins, and one with their number when it was repeated', () => {
  const { recorder, lines, packet, after } = scene()
  for (let i = 0; i < 3; i++) packet()
  after(MINUTE_MS)
  expect(lines.map(({ event, packets, msg }) => [event, packets, msg])).toEqual([
    ['flow.denied', 1, 'TCP from 203.0.113.1 to shop/web-0:80 denied: Because.'],
    ['flow.denied', 3, 'TCP from 203.0.113.1 to shop/web-0:80 denied (3 packets): Because.'],
  ])
  expect(recorder.counts()).toEqual({ recorded: 1, lost: 0, overruns: 0, unreadable: 0 })
})

test('followers are told the same until they have enough', () => {
  const { recorder, packet, after } = scene()
  const told: number[] = []
  const stop = recorder.follow(({ packets }) => told.push(packets))
  packet()
  packet()
  after(MINUTE_MS)
  stop()
  packet()
  expect(told).toEqual([1, 2])
  expect(recorder.recent()).toHaveLength(2)
})

test('what is allowed is in the log only where that is asked for', () => {
  const quiet = scene()
  quiet.packet('sluice:allow')
  expect(quiet.recorder.recent()).toMatchObject([{ verdict: 'allow' }])
  expect(quiet.lines).toEqual([])
  expect(quiet.done).toEqual([])

  const telling = scene({ logAllowed: 100 })
  telling.packet('sluice:allow')
  expect(telling.done).toEqual(['sample 100'])
  expect(telling.lines).toMatchObject([{ event: 'flow.allowed' }])
})

test('what the kernel drops is counted', () => {
  const { recorder, overrun } = scene()
  overrun()
  overrun()
  expect(recorder.counts()).toMatchObject({ overruns: 2 })
})

test('a packet that cannot be told ends nothing', () => {
  const { lines, packet } = scene({
    describe: () => {
      throw new TypeError('Our mistake.')
    },
  })
  packet()
  expect(lines).toMatchObject([{ event: 'flow.failed', err: { message: 'Our mistake.' } }])
})

test('without a log group there are no flows, and a sentence says why', () => {
  const { recorder, lines } = scene({ refusal: new Error('Somebody else has it.') })
  expect(recorder.problem).toBe('Denied packets are not told: Somebody else has it.')
  expect(lines).toMatchObject([{ event: 'flows.unavailable' }])
  recorder.close()
})

test('closing leaves nothing running', () => {
  const { recorder, done } = scene({ logAllowed: 1 })
  recorder.close()
  expect(done).toEqual(['sample 1', 'stopped', 'closed', 'sampled'])
})
