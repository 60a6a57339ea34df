import * as v from 'valibot'
import type { Flow } from '../flows/flow.ts'
import { type FlowFilter, matchesFilter } from '../flows/flow-filter.ts'
import type { FlowRecorder } from './flow-recorder.ts'
import type { HttpAnswer, HttpStream, StreamReader } from './serve-http.ts'

/** Of the recorder, what whoever asks has to do with. */
export type FlowSource = Pick<FlowRecorder, 'problem' | 'recent' | 'follow' | 'sampleAllowed'>

/** A whole number in a query. */
function number(least: number, most: number) {
  return v.pipe(
    v.string(),
    v.regex(/^\d{1,10}$/u, `must be a whole number from ${least} to ${most}`),
    v.transform(Number),
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  )
}

const flowQuery = v.strictObject({
  pod: v.optional(v.string()),
  namespace: v.optional(v.string()),
  verdict: v.optional(v.picklist(['allow', 'deny'], 'must be allow or deny')),
  port: v.optional(number(1, 65_535)),
  /** How many of the recent flows. */
  last: v.optional(number(0, 1_000_000)),
  /** Goes on with what comes. */
  follow: v.optional(v.literal('1', 'must be 1')),
  /** Meanwhile, one in so many allowed connections is recorded. */
  allowed: v.optional(number(1, 1_000_000)),
})

/** Beyond this, flows are left out for a reader that is slow. */
const WAITING_BYTES = 1 << 20

/**
 * `GET /flows`: recent flows as JSON lines, oldest first, and with `follow` those that come. A line
 * `{"skipped":N}` stands for flows that a slow reader missed.
 */
export function serveFlows(flows: FlowSource, query: URLSearchParams): HttpAnswer | HttpStream {
  const parsed = v.safeParse(flowQuery, Object.fromEntries(query))
  if (!parsed.success) return refuse(400, complaint(parsed.issues[0]))
  if (flows.problem !== undefined) return refuse(503, flows.problem)
  const { follow, allowed, last, ...filter } = parsed.output
  const recent = flows.recent().filter((flow) => matchesFilter(flow, filter))
  const body = recent.slice(last === undefined ? 0 : recent.length - last).map(line)
  if (follow === undefined) {
    return { status: 200, contentType: 'application/x-ndjson', body: body.join('') }
  }
  try {
    const release = allowed === undefined ? undefined : flows.sampleAllowed(allowed)
    return followed(flows, { filter, begin: body.join(''), onEnd: () => release?.() })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return refuse(503, `Allowed connections cannot be sampled: ${reason}`)
  }
}

function followed(
  flows: FlowSource,
  { filter, begin, onEnd }: { filter: FlowFilter; begin: string; onEnd: () => void },
): HttpStream {
  return {
    contentType: 'application/x-ndjson',
    begin: (reader) => {
      reader.send(begin)
      const tell = tellReader(reader)
      const stop = flows.follow((flow) => {
        if (matchesFilter(flow, filter)) tell(flow)
      })
      return () => {
        stop()
        onEnd()
      }
    },
  }
}

function tellReader(reader: StreamReader): (flow: Flow) => void {
  let skipped = 0
  return (flow) => {
    if (reader.waitingBytes > WAITING_BYTES) {
      skipped += 1
      return
    }
    if (skipped > 0) reader.send(line({ skipped }))
    skipped = 0
    reader.send(line(flow))
  }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`
}

function complaint(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue) ?? 'The query'
  return issue.type === 'strict_object' ? `There is no ${name}.` : `${name} ${issue.message}.`
}

function refuse(status: number, sentence: string): HttpAnswer {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${sentence}\n` }
}
