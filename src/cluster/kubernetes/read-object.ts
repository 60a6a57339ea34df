import { parseObject } from '../../policy/parse.ts'
import { type JsonObject, objectAt, textAt } from '../json.ts'
import { versionOnServer } from '../object-version.ts'
import { refusalOf, sentence } from '../refusal.ts'
import type { SourceChange, Subject } from '../source-change.ts'
import { ProtocolError } from './errors.ts'
import { readNode } from './node.ts'
import type { Resource } from './resources.ts'

/**
 * What an object of the API says. Nothing of the object itself is kept. Warnings are not told: the server has
 * told them to the author.
 * @throws {ProtocolError} for an object without a name
 */
export function readObject(resource: Resource, object: JsonObject): SourceChange {
  const subject = subjectIn(resource, object)
  if (subject.object === 'node') return readNode(object)
  // The items of a list do not say what the list says already.
  const value = { ...object, apiVersion: resource.apiVersion, kind: resource.kind }
  const parsed = parseObject(value, { unknownFields: 'ignore' })
  switch (parsed.kind) {
    case 'namespace':
      return { kind: 'namespace', namespace: parsed.namespace }
    case 'pod':
      return { kind: 'pod', pod: parsed.pod }
    case 'policy':
      return { kind: 'policy', policy: parsed.policy, version: versionOnServer(object) }
    case 'invalid': {
      const problems = parsed.problems.map(sentence)
      const version = versionOnServer(object)
      const refused = { kind: 'refused', subject, problems, salvage: undefined, version } as const
      return refusalOf(parsed, value, version) ?? refused
    }
    case 'skipped':
    case 'other':
      throw new ProtocolError(`The API server sends something else than a ${resource.kind}.`)
  }
}

/** Which object it is. @throws {ProtocolError} when it has no name */
export function subjectIn({ object: kind, path }: Resource, object: JsonObject): Subject {
  const metadata = objectAt(object, 'metadata')
  const name = textAt(metadata, 'name')
  const namespace = textAt(metadata, 'namespace')
  if (name === '') throw new ProtocolError(`The API server sends an object of ${path} unnamed.`)
  if (kind === 'namespace' || kind === 'node') return { object: kind, key: name }
  return { object: kind, key: `${namespace}/${name}` }
}

/** The version that an object, a list or a bookmark is of. @throws {ProtocolError} when it has none */
export function versionIn(object: JsonObject): string {
  const version = textAt(objectAt(object, 'metadata'), 'resourceVersion')
  if (version !== '') return version
  throw new ProtocolError('The API server sends an object without metadata.resourceVersion.')
}
