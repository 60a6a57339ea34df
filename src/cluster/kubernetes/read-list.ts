import { type JsonObject, objectAt, textAt } from '../json.ts'
import type { ApiClient } from './client.ts'
import { readObject, versionIn } from './read-object.ts'
import type { Resource } from './resources.ts'
import { JsonSplitter } from './split-json.ts'
import type { Step } from './step.ts'

/** The API server gives up a request after 60 s. */
const QUIET_MS = 60_000
const PAGE_OBJECTS = '500'

/**
 * Everything there is of a resource, as of one moment: in pages, or in one answer. The last step has the version.
 * @throws {ApiError} 410 when the server has forgotten that moment between two pages
 */
export async function* readList(
  client: ApiClient,
  resource: Resource,
  way: 'pages' | 'whole',
  signal: AbortSignal,
): AsyncGenerator<Step> {
  let version: string | undefined
  let rest = ''
  do {
    const query: Record<string, string> = way === 'pages' ? { limit: PAGE_OBJECTS } : {}
    if (rest !== '') query['continue'] = rest
    const options = { query, answerMs: QUIET_MS, quietMs: QUIET_MS, signal }
    const head = yield* readPage(client.get(resource.path, options), resource)
    version ??= versionIn(head)
    rest = textAt(objectAt(head, 'metadata'), 'continue')
  } while (rest !== '')
  yield { changes: [], version }
}

/** Returns what the page says beside its items. */
async function* readPage(
  body: AsyncIterable<Buffer>,
  resource: Resource,
): AsyncGenerator<Step, JsonObject> {
  const splitter = new JsonSplitter('list')
  for await (const chunk of body) {
    const changes = splitter.push(chunk).map((object) => readObject(resource, object))
    yield { changes, version: undefined }
  }
  return splitter.end()
}
