import { type JsonObject, objectAt, memberAt, textAt } from '../json.ts'
import type { SourceChange } from '../source-change.ts'
import { ApiError, ProtocolError } from './errors.ts'
import { readObject, subjectIn, versionIn } from './read-object.ts'
import type { Resource } from './resources.ts'

/** One event of a watch. All that came before it is at `version`. */
export type WatchEvent =
  | { readonly kind: 'change'; readonly change: SourceChange; readonly version: string }
  | {
      readonly kind: 'bookmark'
      readonly version: string
      /** Everything that there was when the watch began has been told. */
      readonly endsInitialEvents: boolean
    }

/**
 * Reads an event as the API writes it (`WatchEvent` of meta/v1).
 * @throws {ApiError} for an ERROR event
 * @throws {ProtocolError} for what is no event
 */
export function readWatchEvent(resource: Resource, event: JsonObject): WatchEvent {
  const type = textAt(event, 'type')
  const object = objectAt(event, 'object')
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'change', change: readObject(resource, object), version: versionIn(object) }
    case 'DELETED': {
      const change = { kind: 'gone', subject: subjectIn(resource, object) } as const
      return { kind: 'change', change, version: versionIn(object) }
    }
    case 'BOOKMARK': {
      const annotations = objectAt(objectAt(object, 'metadata'), 'annotations')
      const endsInitialEvents = textAt(annotations, 'k8s.io/initial-events-end') === 'true'
      return { kind: 'bookmark', version: versionIn(object), endsInitialEvents }
    }
    case 'ERROR': {
      const code = memberAt(object, 'code')
      throw new ApiError(typeof code === 'number' ? code : 500, object, { in: 'watch' })
    }
    default:
      throw new ProtocolError('The API server sends an event of no known type in a watch.')
  }
}
