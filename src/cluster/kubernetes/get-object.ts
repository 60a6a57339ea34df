import { keyOf } from '../../policy/model.ts'
import type { SourceChange } from '../source-change.ts'
import type { ApiClient } from './client.ts'
import { ApiError, ProtocolError } from './errors.ts'
import { readObject } from './read-object.ts'
import type { Resource } from './resources.ts'
import { JsonSplitter } from './split-json.ts'

/** Of a resource whose objects are in namespaces. */
export type NamespacedResource = Resource & { readonly object: 'pod' | 'policy' }

export interface ObjectName {
  readonly namespace: string
  readonly name: string
}

export interface GetObjectParts {
  readonly client: ApiClient
  readonly signal: AbortSignal
}

/** Somebody is waiting: a CNI ADD, or a person. */
const ANSWER_MS = 5_000

/**
 * Asks for one object as the server has it now; `gone` where it has none of this name.
 * @throws {ApiError} when the server refuses
 * @throws {BrokenConnection} when it cannot be reached, or does not answer within 5 s
 * @throws {ProtocolError} when it answers with something else
 */
export async function getObject(
  resource: NamespacedResource,
  object: ObjectName,
  { client, signal }: GetObjectParts,
): Promise<SourceChange> {
  const path = pathOf(resource, object)
  const options = { answerMs: ANSWER_MS, quietMs: ANSWER_MS, signal }
  const splitter = new JsonSplitter('stream')
  const objects = []
  try {
    for await (const chunk of client.get(path, options)) objects.push(...splitter.push(chunk))
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error
    return { kind: 'gone', subject: { object: resource.object, key: keyOf(object) } }
  }
  splitter.end()
  const [found] = objects
  if (found !== undefined) return readObject(resource, found)
  throw new ProtocolError(`The API server sends no ${resource.kind} for ${path}.`)
}

function pathOf({ path }: Resource, object: ObjectName): string {
  const slash = path.lastIndexOf('/')
  const [namespace, name] = [object.namespace, object.name].map(encodeURIComponent)
  return `${path.slice(0, slash)}/namespaces/${namespace}${path.slice(slash)}/${name}`
}
