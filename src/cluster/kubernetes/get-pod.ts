import { keyOf } from '../../policy/model.ts'
import type { SourceChange } from '../source-change.ts'
import type { ApiClient } from './client.ts'
import { ApiError, ProtocolError } from './errors.ts'
import type { Inventory } from './inventory.ts'
import { readObject } from './read-object.ts'
import { PODS } from './resources.ts'
import { JsonSplitter } from './split-json.ts'

export interface GetPodParts {
  readonly client: ApiClient
  readonly inventory: Pick<Inventory, 'round' | 'noteAsked'>
  readonly signal: AbortSignal
}

/** A CNI ADD is waiting. */
const ANSWER_MS = 5_000

/**
 * Asks for one pod, when the watch may be behind. What it says is for `ClusterState.apply`, like any change.
 * @throws {ApiError} when the server refuses
 * @throws {BrokenConnection} when it cannot be reached, or does not answer within 5 s
 */
export async function getPod(
  pod: { readonly namespace: string; readonly name: string },
  { client, inventory, signal }: GetPodParts,
): Promise<SourceChange> {
  const { round } = inventory
  const [namespace, name] = [pod.namespace, pod.name].map(encodeURIComponent)
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`
  const options = { answerMs: ANSWER_MS, quietMs: ANSWER_MS, signal }
  const splitter = new JsonSplitter('stream')
  const objects = []
  try {
    for await (const chunk of client.get(path, options)) objects.push(...splitter.push(chunk))
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 404) throw error
    return { kind: 'gone', subject: { object: 'pod', key: keyOf(pod) } }
  }
  splitter.end()
  const [object] = objects
  if (object === undefined) throw new ProtocolError(`The API server sends no pod for ${path}.`)
  const change = readObject(PODS, object)
  inventory.noteAsked(change, round)
  return change
}
