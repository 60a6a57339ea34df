import { createHash } from 'node:crypto'
import { type JsonObject, memberAt, objectAt, textAt } from './json.ts'

/** Which version of an object a source speaks of. */
export type ObjectVersion =
  /** The API server counts versions of `spec`; an object that was deleted and made anew has another uid. */
  | { readonly uid: string; readonly generation: number }
  /** Files count nothing: equal contents are one version. */
  | { readonly digest: string }

/** Of an object as the API server sends it (meta/v1 `ObjectMeta`). */
export function versionOnServer(object: JsonObject): ObjectVersion {
  const metadata = objectAt(object, 'metadata')
  const generation = memberAt(metadata, 'generation')
  return { uid: textAt(metadata, 'uid'), generation: Number(generation ?? 0) }
}

/** Of an object in a file. The generation that `kubectl get -o yaml` wrote into it says nothing of later edits. */
export function versionInFile(object: JsonObject): ObjectVersion {
  return { digest: createHash('sha256').update(JSON.stringify(object)).digest('hex').slice(0, 12) }
}

/** Whether `held` is the version `asked` or one after it. */
export function isAtLeast(held: ObjectVersion, asked: ObjectVersion): boolean {
  if ('digest' in held) return 'digest' in asked && held.digest === asked.digest
  return 'uid' in asked && held.uid === asked.uid && held.generation >= asked.generation
}

/** As columns and options have it: `3`, or `9f1c0b7a63de`. */
export function versionText(version: ObjectVersion): string {
  return 'digest' in version ? version.digest : `${version.generation}`
}
