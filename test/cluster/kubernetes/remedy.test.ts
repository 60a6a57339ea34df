import { expect, test } from 'vitest'
import {
  ApiError,
  BrokenConnection,
  ProtocolError,
} from '../../../src/cluster/kubernetes/errors.ts'
import { type Remedy, remedyFor, type Task } from '../../../src/cluster/kubernetes/remedy.ts'

const TASKS: readonly Task[] = ['stream', 'pages', 'whole', 'watch']

const answer = (code: number, retryAfterMs?: number) =>
  new ApiError(code, {}, { in: 'answer', ...(retryAfterMs !== undefined && { retryAfterMs }) })
const event = (code: number) => new ApiError(code, {}, { in: 'watch' })
const ahead = new ApiError(
  504,
  { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } },
  { in: 'answer' },
)

/** What differs from waiting and doing the same again, by task. */
const CASES: readonly (readonly [string, Error, Partial<Record<Task, Partial<Remedy>>>])[] = [
  ['a dropped connection', new BrokenConnection('dropped', ''), {}],
  ['silence', new BrokenConnection('quiet', ''), { stream: { way: 'pages' } }],
  ['500', answer(500), {}],
  ['503 with Retry-After', answer(503, 7), each({ atLeastMs: 7 })],
  ['429 with Retry-After', answer(429, 7), each({ atLeastMs: 7 })],
  ['401', answer(401), each({ expireCredentials: true })],
  [
    '410',
    answer(410),
    {
      ...each({ relist: true, expected: true }),
      pages: { relist: true, expected: true, way: 'whole' },
    },
  ],
  ['an ERROR event 410', event(410), each410()],
  ['an ERROR event 500', event(500), each({ relist: true })],
  ['a version that is ahead', ahead, each({ relist: true })],
  ...[400, 422].map(
    (code) =>
      [
        String(code),
        answer(code),
        { ...each({ relist: true }), stream: { way: 'pages', atOnce: true, expected: true } },
      ] as const,
  ),
  ['403', answer(403), { stream: { way: 'pages', atOnce: true, expected: true } }],
  [
    'what is no protocol',
    new ProtocolError(''),
    { ...each({ relist: true }), stream: { relist: true, way: 'pages' } },
  ],
  ['a failure of whoever is told', new Error('full'), each({ relist: true })],
]

function each(remedy: Partial<Remedy>): Record<Task, Partial<Remedy>> {
  return { stream: remedy, pages: remedy, whole: remedy, watch: remedy }
}

function each410(): Record<Task, Partial<Remedy>> {
  const remedy = { relist: true, expected: true }
  return { ...each(remedy), pages: { ...remedy, way: 'whole' } }
}

test.each(CASES)('%s', (_, error, remedies) => {
  const same = {
    relist: false,
    atOnce: false,
    atLeastMs: 0,
    expireCredentials: false,
    expected: false,
  }
  for (const task of TASKS) {
    expect([task, remedyFor(error, task)]).toEqual([task, { ...same, ...remedies[task] }])
  }
})
