import { keyOf } from '../policy/model.ts'
import { namespaceOf } from '../policy/parse/namespace.ts'
import type { Invalid, Problem } from '../policy/parse.ts'
import { type JsonObject, objectAt, textAt } from './json.ts'
import type { ObjectVersion } from './object-version.ts'
import type { Refused } from './source-change.ts'

/**
 * What is told of an object that cannot be used; undefined when it does not even say which one it is.
 *
 * @param version that the object is of
 */
export function refusalOf(
  { problems, salvage }: Invalid,
  value: JsonObject,
  version: ObjectVersion,
): Refused | undefined {
  const reasons = problems.map(sentence)
  if (salvage !== undefined) {
    const subject = { object: 'policy', key: keyOf(salvage) } as const
    const stopgap = { kind: 'policy', policy: salvage } as const
    return { kind: 'refused', subject, problems: reasons, salvage: stopgap, version }
  }
  const metadata = objectAt(value, 'metadata')
  const name = textAt(metadata, 'name')
  if (name === '') return undefined
  switch (`${textAt(value, 'apiVersion')} ${textAt(value, 'kind')}`) {
    case 'v1 Namespace': {
      const subject = { object: 'namespace', key: name } as const
      const stopgap = { kind: 'namespace', namespace: namespaceOf(name) } as const
      return { kind: 'refused', subject, problems: reasons, salvage: stopgap }
    }
    case 'v1 Pod': {
      const key = keyOf({ namespace: textAt(metadata, 'namespace') || 'default', name })
      const subject = { object: 'pod', key } as const
      return { kind: 'refused', subject, problems: reasons, salvage: undefined }
    }
    default:
      return undefined
  }
}

/** One problem of an object, with its field. */
export function sentence({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`
}
