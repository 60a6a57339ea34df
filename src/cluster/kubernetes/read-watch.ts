import type { JsonObject } from '../json.ts'
import type { SourceChange } from '../source-change.ts'
import type { ApiClient } from './client.ts'
import { BrokenConnection, ProtocolError } from './errors.ts'
import type { Resource } from './resources.ts'
import { JsonSplitter } from './split-json.ts'
import type { Step } from './step.ts'
import { readWatchEvent } from './watch-event.ts'

export interface WatchRequest {
  /** Tells what changed since; without it, everything there is, and what changes from then on. */
  readonly since: string | undefined
  /** The server ends it then. */
  readonly timeoutSeconds: number
  readonly signal: AbortSignal
}

/** Even for a watch that has nothing to tell the server sends headers at once; initial events may take longer. */
const ANSWER_MS = 60_000
/** Bookmarks come every minute (apiserver cacher, `defaultBookmarkFrequency`): two have not come. */
const QUIET_MS = 150_000

/**
 * Follows the changes of a resource until the server or the signal ends it.
 * @throws {ApiError} also for an ERROR event
 * @throws {BrokenConnection} @throws {ProtocolError}
 */
export async function* readWatch(
  client: ApiClient,
  resource: Resource,
  { since, timeoutSeconds, signal }: WatchRequest,
): AsyncGenerator<Step> {
  const query = { ...queryFrom(since), timeoutSeconds: String(timeoutSeconds) }
  const splitter = new JsonSplitter('stream')
  let initial = since === undefined
  const options = { query, answerMs: ANSWER_MS, quietMs: QUIET_MS, signal }
  for await (const chunk of client.get(resource.path, options)) {
    const step = stepOf(splitter.push(chunk), resource, initial)
    if (step.version !== undefined) initial = false
    yield step
  }
  splitter.end()
  if (initial) {
    throw new BrokenConnection('dropped', 'The API server ends a watch before its initial events.')
  }
}

/** Streamed lists: https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists. */
function queryFrom(since: string | undefined): Record<string, string> {
  const watch = { watch: 'true', allowWatchBookmarks: 'true' }
  return since === undefined
    ? { ...watch, sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
    : { ...watch, resourceVersion: since }
}

function stepOf(events: readonly JsonObject[], resource: Resource, initial: boolean): Step {
  const changes: SourceChange[] = []
  let version: string | undefined
  let mayBePart = initial
  for (const json of events) {
    const event = readWatchEvent(resource, json)
    if (event.kind === 'change') changes.push(event.change)
    else if (event.endsInitialEvents) mayBePart = false
    else if (mayBePart) {
      throw new ProtocolError('The API server sends a bookmark before the initial events end.')
    }
    // Initial events come in any order of versions.
    if (!mayBePart) version = event.version
  }
  return { changes, version }
}
