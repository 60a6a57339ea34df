import { expect, test } from 'vitest'
import type { FlowSource } from '../../src/agent/serve-flows.ts'
import { serveFlows } from '../../src/agent/serve-flows.ts'
import type { Flow } from '../../src/flows/flow.ts'
import { flowTo } from '../flows/flow-to.ts'

function source(some: Partial<FlowSource> = {}) {
  const followers = new Set<(flow: Flow) => void>()
  const done: string[] = []
  const flows: FlowSource = {
    problem: undefined,
    recent: () => [80, 81, 80, 82].map((port) => flowTo(port, 0)),
    follow: (onFlow) => {
      followers.add(onFlow)
      return () => followers.delete(onFlow)
    },
    sampleAllowed: (oneIn) => {
      done.push(`sample ${oneIn}`)
      return () => done.push('enough')
    },
    ...some,
  }
  return { flows, done, tell: (flow: Flow) => followers.forEach((follower) => follower(flow)) }
}

/** The ports of what is answered, or the sentence that refuses. */
function ask(query: string, flows = source().flows): unknown {
  const answer = serveFlows(flows, new URLSearchParams(query))
  if ('begin' in answer) return 'a stream'
  if (answer.status !== 200) return `${answer.status} ${answer.body}`
  return portsIn(answer.body)
}

function portsIn(lines: string): unknown[] {
  return lines
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .map(({ port, skipped }) => port ?? { skipped })
}

test.each([
  ['', [80, 81, 80, 82]],
  ['port=80', [80, 80]],
  ['last=2', [80, 82]],
  ['last=0', []],
  ['last=9', [80, 81, 80, 82]],
  ['port=80&last=1', [80]],
  ['pod=shop/web-0&namespace=shop&verdict=deny', [80, 81, 80, 82]],
  ['verdict=allow', []],
  ['follow=1', 'a stream'],
  ['port=0', '400 port must be at least 1.\n'],
  ['port=65536', '400 port must be at most 65535.\n'],
  ['port=http', '400 port must be a whole number from 1 to 65535.\n'],
  ['verdict=drop', '400 verdict must be allow or deny.\n'],
  ['color=red', '400 There is no color.\n'],
])('GET /flows?%s', (query, expected) => {
  expect(ask(query)).toEqual(expected)
})

test('where nothing is recorded, or nothing can be sampled, the answer says so', () => {
  const unable = (): never => {
    throw new Error('The kernel cannot.')
  }
  expect(ask('', source({ problem: 'There are none.' }).flows)).toBe('503 There are none.\n')
  expect(ask('follow=1&allowed=1', source({ sampleAllowed: unable }).flows)).toBe(
    '503 Allowed connections cannot be sampled: The kernel cannot.\n',
  )
})

test('a follower gets what was, then what comes of its kind, then nothing', () => {
  const { flows, done, tell } = source()
  const answer = serveFlows(flows, new URLSearchParams('follow=1&allowed=10&port=80&last=1'))
  if (!('begin' in answer)) throw new Error('It is no stream.')
  const got: string[] = []
  const end = answer.begin({ send: (text) => void got.push(text), waitingBytes: 0 })
  expect(got.flatMap(portsIn)).toEqual([80])
  tell(flowTo(80, 1))
  tell(flowTo(81, 1))
  expect(got.flatMap(portsIn)).toEqual([80, 80])
  expect(done).toEqual(['sample 10'])
  end()
  tell(flowTo(80, 2))
  expect(got.flatMap(portsIn)).toEqual([80, 80])
  expect(done).toEqual(['sample 10', 'enough'])
})

test('a slow follower misses some, and is told how many', () => {
  const { flows, tell } = source()
  const answer = serveFlows(flows, new URLSearchParams('follow=1&last=0'))
  if (!('begin' in answer)) throw new Error('It is no stream.')
  const got: string[] = []
  const reader = { send: (text: string) => void got.push(text), waitingBytes: 0 }
  answer.begin(reader)
  reader.waitingBytes = 2 << 20
  tell(flowTo(1, 0))
  tell(flowTo(2, 0))
  reader.waitingBytes = 0
  tell(flowTo(3, 0))
  expect(got.flatMap(portsIn)).toEqual([{ skipped: 2 }, 3])
})
